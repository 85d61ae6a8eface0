// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CORE_REGISTRY_H_
#define ORRERY_SIM_CORE_REGISTRY_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/describer.h"
#include "sim/core/errors.h"

namespace orrery {

/// Plug-ins of one port by name, in the order they were added. Entries are added by an explicit
/// list of calls (no static initialisers), so order is fixed and nothing is dropped by a linker.
/// A plug-in is a class with a nested `Options` (which has describe(Describer&)) and a constructor
/// `Plugin(const Options&, Args...)`.
template <class Port, class... Args>
class Registry {
 public:
  /// An entry whose options have been read: it only waits for the world it lives in.
  class Prepared {
   public:
    virtual ~Prepared() = default;
    virtual void describe(Describer&) = 0;
    [[nodiscard]] virtual std::unique_ptr<Port> make(Args... args) const = 0;
  };
  struct Entry {
    std::string name;
    std::string help;
    std::function<std::unique_ptr<Prepared>()> prepare;
  };

  explicit Registry(std::string port) : port_(std::move(port)) {}

  template <class Plugin>
  void add(std::string name, std::string help) {
    ORRERY_CHECK(!name.empty() && !help.empty() && find(name) == nullptr);
    entries_.push_back({std::move(name), std::move(help),
                        [] { return std::make_unique<PreparedPlugin<Plugin>>(); }});
  }

  /// nullptr where no entry has that name.
  [[nodiscard]] const Entry* find(std::string_view name) const {
    for (const Entry& entry : entries_) {
      if (entry.name == name) return &entry;
    }
    return nullptr;
  }
  /// Throws ConfigError listing the known names.
  [[nodiscard]] const Entry& at(std::string_view name) const {
    if (const Entry* entry = find(name)) return *entry;
    throw ConfigError("no " + port_ + " is called '" + std::string(name) + "'; " +
                      known_names(name, names()));
  }
  [[nodiscard]] std::vector<std::string_view> names() const {
    std::vector<std::string_view> result;
    for (const Entry& entry : entries_) result.push_back(entry.name);
    return result;
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] const std::string& port() const { return port_; }

 private:
  template <class Plugin>
  class PreparedPlugin final : public Prepared {
   public:
    void describe(Describer& d) override { options_.describe(d); }
    [[nodiscard]] std::unique_ptr<Port> make(Args... args) const override {
      return std::make_unique<Plugin>(options_, args...);
    }

   private:
    typename Plugin::Options options_;
  };

  std::string port_;
  std::vector<Entry> entries_;
};

/// For a plug-in with nothing to set.
struct NoOptions {
  void describe(Describer&) {}
};

}  // namespace orrery

#endif  // ORRERY_SIM_CORE_REGISTRY_H_
