// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/memory_system.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <exception>
#include <optional>
#include <thread>

#include "sim/core/check.h"
#include "sim/core/errors.h"
#include "sim/hardware/hbm/address_map.h"
#include "sim/hardware/hbm/front_end.h"

namespace orrery::hbm {
namespace {

/// When the accesses of a trace arrive.
class Arrivals {
 public:
  Arrivals(const MemoryConfig& config, const MemoryTrace& trace, std::optional<double> rate)
      : trace_(trace), ticks_per_clock_(TickTiming(config.device).ticks_per_clock) {
    if (!rate) return;
    const auto ticks_per_second =
        static_cast<double>(config.device.timing.clock.units_per_second()) *
        static_cast<double>(ticks_per_clock_);
    ticks_per_access_ =
        static_cast<double>(config.device.geometry.access.count()) * ticks_per_second / *rate;
  }
  [[nodiscard]] bool any() const { return ticks_per_access_ > 0 || !trace_.arrivals.empty(); }
  [[nodiscard]] Tick of(std::size_t index) const {
    if (ticks_per_access_ > 0) {
      return static_cast<Tick>(static_cast<double>(index) * ticks_per_access_);
    }
    return trace_.arrivals[index] * ticks_per_clock_;
  }

 private:
  const MemoryTrace& trace_;
  Tick ticks_per_clock_;
  double ticks_per_access_ = 0;
};

/// Where the accesses of a trace go.
class Places {
 public:
  Places(const MemoryConfig& config, const MemoryTrace& trace)
      : map_(config.controller.address_map, config.device.geometry),
        geometry_(config.device.geometry),
        trace_(trace),
        shift_(std::countr_zero(static_cast<std::uint64_t>(geometry_.access.count()))) {
    if (config.ecc == Ecc::kInline) layout_.emplace(geometry_);
  }

  struct Routed {
    std::uint32_t channel;
    Request request;
  };
  [[nodiscard]] Routed of(std::size_t index) const {
    const std::uint64_t word = trace_.accesses[index];
    const std::uint64_t block = (word & ~MemoryTrace::kWrite) >> shift_;
    if (block >= map_.blocks()) beyond(index);
    const AddressMap::Place at = map_.place(block);
    const bool write = (word & MemoryTrace::kWrite) != 0;
    return {at.channel, Request::make(at.bank, at.row, at.column, write)};
  }

  /// That a request of inline ECC is of data.
  void check_is_data(Request request, std::size_t index) const {
    if (request.row() >= layout_->first_row()) among_check_bytes(index);
  }

 private:
  [[noreturn]] void beyond(std::size_t index) const {
    throw TraceError(trace_.place(index) + ": the address lies beyond the device's " +
                     human(geometry_.channel_capacity() * geometry_.channels));
  }
  [[noreturn]] void among_check_bytes(std::size_t index) const {
    throw TraceError(trace_.place(index) +
                     ": the address lies among check bytes: inline ECC leaves " +
                     human(layout_->usable()) + " for data");
  }

  const AddressMap map_;
  const Geometry& geometry_;
  const MemoryTrace& trace_;
  const int shift_;
  std::optional<EccLayout> layout_;
};

/// Tells the listener which channel is heard.
class ChannelListener final : public CommandListener {
 public:
  ChannelListener(SystemListener& system, std::uint32_t channel)
      : system_(system), channel_(channel) {}
  void on_command(Tick at, Command command, std::uint32_t bank, std::uint32_t row,
                  std::uint32_t column) override {
    system_.begin_channel(channel_);
    system_.on_command(at, command, bank, row, column);
  }

 private:
  SystemListener& system_;
  std::uint32_t channel_;
};

class System {
 public:
  System(const MemoryConfig& config, const MemoryTrace& trace, const ServeOptions& options)
      : trace_(trace),
        arrivals_(config, trace, options.bytes_per_second),
        places_(config, trace),
        whole_(options.listener != nullptr) {
    for (std::uint32_t c = 0; c < config.device.geometry.channels; ++c) {
      CommandListener* listener = nullptr;
      if (options.listener != nullptr) {
        listener = &listeners_.emplace_back(*options.listener, c);
      }
      channels_.emplace_back(config.device, config.controller, listener).set_number(c);
      if (config.ecc == Ecc::kInline) {
        ecc_.emplace_back(EccLayout(config.device.geometry), config.ecc_buffer);
      }
    }
  }

  [[nodiscard]] std::uint32_t channels() const {
    return static_cast<std::uint32_t>(channels_.size());
  }

  /// Feeds the channels from `first` until before `end`, each its own accesses. The trace is read
  /// in pieces that the nearest caches hold, or whole for a listener to hear channel by channel.
  void serve_each(std::uint32_t first, std::uint32_t end) {
    constexpr std::size_t kPiece = std::size_t{1} << 14;
    const std::size_t piece = whole_ ? trace_.accesses.size() : kPiece;
    std::vector<std::vector<Request>> requests(end - first);
    std::vector<std::vector<Tick>> times(end - first);
    const bool timed = arrivals_.any();
    const bool ecc = !ecc_.empty();
    for (std::size_t from = 0; from < trace_.accesses.size(); from += piece) {
      const std::size_t until = std::min(from + piece, trace_.accesses.size());
      for (std::size_t i = from; i < until; ++i) {
        const Places::Routed routed = places_.of(i);
        const std::uint32_t own = routed.channel - first;
        if (own >= end - first) continue;
        if (ecc) add_checks(i, routed, requests[own]);
        requests[own].push_back(routed.request);
        if (timed) times[own].resize(requests[own].size(), arrivals_.of(i));
      }
      for (std::uint32_t c = first; c < end; ++c) {
        channels_[c].submit_each(requests[c - first], times[c - first]);
        requests[c - first].clear();
        times[c - first].clear();
      }
    }
    for (std::uint32_t c = first; c < end; ++c) {
      if (!ecc_.empty()) {
        ecc_[c].write_back(requests[c - first]);
        channels_[c].submit_each(requests[c - first], {});
      }
      channels_[c].finish();
    }
  }

  void serve_in_order(std::int64_t in_flight) {
    FrontEnd front(channels_, in_flight);
    const bool timed = arrivals_.any();
    std::vector<Request> requests;
    for (std::size_t i = 0; i < trace_.accesses.size(); ++i) {
      const Places::Routed routed = places_.of(i);
      requests.clear();
      if (!ecc_.empty()) add_checks(i, routed, requests);
      requests.push_back(routed.request);
      for (const Request request : requests) {
        front.hand_over(routed.channel, request, timed ? arrivals_.of(i) : 0,
                        timed ? arrivals_.of(i) : Channel::kWhenTaken);
      }
    }
    for (std::uint32_t c = 0; c < ecc_.size(); ++c) {
      requests.clear();
      ecc_[c].write_back(requests);
      for (const Request request : requests) front.hand_over(c, request, 0);
    }
    for (Channel& channel : channels_) channel.finish();
  }

  /// Channels that save power live on until the last one is done, for what they spend till then.
  void live_on() {
    for (const Channel& channel : channels_) end_ = std::max(end_, channel.statistics().end);
    for (Channel& channel : channels_) channel.advance(end_);
  }

  [[nodiscard]] Served served() const {
    Served all;
    for (const Channel& channel : channels_) {
      Statistics statistics = channel.statistics();
      statistics.power_ticks = channel.power_ticks(end_);
      all.statistics.merge(statistics);
      all.bank_counts.push_back(channel.bank_counts());
    }
    for (const EccBuffer& buffer : ecc_) {
      all.ecc.reads += buffer.counts().reads;
      all.ecc.writes += buffer.counts().writes;
    }
    return all;
  }

 private:
  /// Those that go ahead of the access.
  void add_checks(std::size_t index, const Places::Routed& routed, std::vector<Request>& requests) {
    places_.check_is_data(routed.request, index);
    ecc_[routed.channel].access(routed.request, requests);
  }

  const MemoryTrace& trace_;
  const Arrivals arrivals_;
  const Places places_;
  const bool whole_;
  std::deque<ChannelListener> listeners_;
  std::deque<Channel> channels_;
  /// Of each channel; empty without inline ECC.
  std::vector<EccBuffer> ecc_;
  Tick end_ = 0;
};

/// Each thread has channels of its own, so that which runs when is seen nowhere.
void serve_with_threads(System& system, std::uint32_t jobs) {
  std::vector<std::exception_ptr> errors(jobs);
  std::vector<std::jthread> threads;
  for (std::uint32_t job = 0; job < jobs; ++job) {
    threads.emplace_back([&system, &errors, job, jobs] {
      try {
        const std::uint32_t channels = system.channels();
        system.serve_each(channels * job / jobs, channels * (job + 1) / jobs);
      } catch (...) {
        errors[job] = std::current_exception();
      }
    });
  }
  threads.clear();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace

Served serve(const MemoryConfig& config, const MemoryTrace& trace, const ServeOptions& options) {
  System system(config, trace, options);
  const auto jobs = std::min(static_cast<std::uint32_t>(options.jobs), system.channels());
  ORRERY_CHECK(options.jobs >= 1);
  ORRERY_CHECK(jobs == 1 || (options.listener == nullptr && config.feed == Feed::kPerChannel));
  if (config.feed == Feed::kInOrder) {
    system.serve_in_order(config.in_flight);
  } else if (jobs == 1) {
    system.serve_each(0, system.channels());
  } else {
    serve_with_threads(system, jobs);
  }
  if (config.controller.saves_power()) system.live_on();
  return system.served();
}

Statistics serve(const MemoryConfig& config, const MemoryTrace& trace,
                 std::optional<double> bytes_per_second, SystemListener* listener) {
  return serve(config, trace, {.bytes_per_second = bytes_per_second, .listener = listener})
      .statistics;
}

}  // namespace orrery::hbm
