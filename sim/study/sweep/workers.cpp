// SPDX-License-Identifier: Apache-2.0
#include "sim/study/sweep/workers.h"

#include <fmt/format.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/core/errors.h"

namespace orrery {
namespace {

// The first character of what a child sends. It is sent whole or, if the child dies, not to its
// end.
constexpr char kDone = 'd';
constexpr char kFailed = 'f';

[[noreturn]] void fail(std::string_view what) {
  throw RunError(fmt::format("{}: {}", what, std::strerror(errno)));
}

struct Child {
  pid_t process = -1;
  int from = -1;
  std::size_t task = 0;
  std::string received;
};

bool send_all(int to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(to, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string answer(const std::function<std::string(std::size_t)>& work, std::size_t task) {
  try {
    return kDone + work(task);
  } catch (const UserError& error) {
    return std::string(1, kFailed) + error.what();
  } catch (const std::exception& error) {
    return std::string(1, kFailed) + "a bug in Orrery: " + error.what();
  }
}

/// Never comes back: whatever the parent would clean up (its database) is not the child's to touch.
[[noreturn]] void be_child(int to, pid_t parent, std::size_t task,
                           const std::function<std::string(std::size_t)>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it ended before we asked to end with it
  _exit(send_all(to, answer(work, task)) ? 0 : 1);
}

std::string how_it_ended(int status) {
  if (!WIFSIGNALED(status)) return "its process ended without a result";
  if (WTERMSIG(status) == SIGKILL) return "its process was killed; was there too little memory?";
  return fmt::format("a bug in Orrery: its process ended with signal {} ({})", WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
}

/// Processes that run and have not been asked for their outcome.
class Children {
 public:
  Children() = default;
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    for (const Child& child : running_) {
      kill(child.process, SIGKILL);
      close(child.from);
      waitpid(child.process, nullptr, 0);
    }
  }

  [[nodiscard]] std::size_t size() const { return running_.size(); }

  void start(std::size_t task, const std::function<std::string(std::size_t)>& work) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) fail("cannot open a pipe to a worker");
    const pid_t parent = getpid();
    const pid_t process = fork();
    if (process == 0) {
      close(ends[0]);
      be_child(ends[1], parent, task, work);
    }
    // Closed before the next child starts, which would else keep this one's pipe from ending.
    close(ends[1]);
    if (process < 0) {
      close(ends[0]);
      fail("cannot start a worker process");
    }
    running_.push_back({process, ends[0], task, {}});
  }

  /// Waits until something comes in; gives a child that has ended, if one has.
  [[nodiscard]] std::optional<std::pair<std::size_t, WorkerOutcome>> wait() {
    std::vector<pollfd> polled;
    for (const Child& child : running_) polled.push_back({child.from, POLLIN, 0});
    if (poll(polled.data(), polled.size(), -1) < 0) {
      if (errno == EINTR) return {};
      fail("cannot wait for workers");
    }
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0 && receive(running_[i])) return take(i);
    }
    return {};
  }

 private:
  /// True if the child has nothing more to say.
  static bool receive(Child& child) {
    std::array<char, 65536> buffer{};
    const ssize_t count = read(child.from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return false;
    if (count <= 0) return true;
    child.received.append(buffer.data(), static_cast<std::size_t>(count));
    return false;
  }

  std::pair<std::size_t, WorkerOutcome> take(std::size_t i) {
    Child child = std::move(running_[i]);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    close(child.from);
    int status = 0;
    while (waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0 || child.received.empty()) return {child.task, {false, how_it_ended(status)}};
    return {child.task, {child.received[0] == kDone, child.received.substr(1)}};
  }

  std::vector<Child> running_;
};

}  // namespace

void run_in_processes(std::size_t count, std::size_t jobs,
                      const std::function<std::string(std::size_t)>& work,
                      const std::function<void(std::size_t, const WorkerOutcome&)>& done) {
  Children children;
  std::size_t started = 0;
  while (started < count || children.size() > 0) {
    while (started < count && children.size() < std::max<std::size_t>(jobs, 1)) {
      children.start(started++, work);
    }
    if (const auto ended = children.wait()) done(ended->first, ended->second);
  }
}

}  // namespace orrery
