// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/board.h"

#include <dlfcn.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace orrery::kernels {

/// The few functions of NVML that are used, by their stable names (nvml.h of NVIDIA's management
/// library; its header is not part of every toolkit).
class Board::Nvml {
 public:
  explicit Nvml(const std::string& pci_bus_id) {
    library_ = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    if (library_ == nullptr) return;
    using Init = int (*)();
    using ByBus = int (*)(const char*, void**);
    const auto init = function<Init>("nvmlInit_v2");
    const auto by_bus = function<ByBus>("nvmlDeviceGetHandleByPciBusId_v2");
    if (init == nullptr || by_bus == nullptr || init() != 0) return;
    if (by_bus(pci_bus_id.c_str(), &device_) != 0) device_ = nullptr;
    clock_ = function<Clock>("nvmlDeviceGetClockInfo");
    power_ = function<Figure>("nvmlDeviceGetPowerUsage");
    fields_ = function<Fields>("nvmlDeviceGetFieldValues");
    temperature_ = function<Clock>("nvmlDeviceGetTemperature");
  }
  ~Nvml() {
    if (library_ != nullptr) dlclose(library_);
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  [[nodiscard]] bool works() const { return device_ != nullptr; }

  [[nodiscard]] BoardState state() const {
    constexpr int kSm = 1;      // NVML_CLOCK_SM
    constexpr int kMemory = 2;  // NVML_CLOCK_MEM
    constexpr int kGpu = 0;     // NVML_TEMPERATURE_GPU
    BoardState state;
    unsigned value = 0;
    if (clock_ != nullptr && clock_(device_, kSm, &value) == 0) state.sm_mhz = value;
    if (clock_ != nullptr && clock_(device_, kMemory, &value) == 0) state.memory_mhz = value;
    state.power_w = power_now();
    if (temperature_ != nullptr && temperature_(device_, kGpu, &value) == 0) {
      state.temperature_c = value;
    }
    return state;
  }

  [[nodiscard]] std::string driver() const {
    using Version = int (*)(char*, unsigned);
    const auto version = function<Version>("nvmlSystemGetDriverVersion");
    std::array<char, 96> text{};
    if (version == nullptr || version(text.data(), text.size()) != 0) return {};
    return text.data();
  }

 private:
  /// nvmlFieldValue_t: what is asked for, and of what type the answer is.
  struct Field {
    unsigned id = 0;
    unsigned scope = 0;
    long long timestamp = 0;
    long long latency_us = 0;
    unsigned type = 0;
    int status = 0;
    union {
      unsigned whole;
      unsigned long long bits;
    } value{.bits = 0};
  };

  /// Watts at this moment: nvmlDeviceGetPowerUsage is a mean over a second from Ampere on (nvml.h),
  /// in which a case of milliseconds is lost. 0 where the board does not say.
  [[nodiscard]] double power_now() const {
    constexpr unsigned kPowerInstant = 186;  // NVML_FI_DEV_POWER_INSTANT
    Field field;
    field.id = kPowerInstant;
    if (fields_ != nullptr && fields_(device_, 1, &field) == 0 && field.status == 0) {
      return field.value.whole / 1000.0;
    }
    unsigned mw = 0;
    return power_ != nullptr && power_(device_, &mw) == 0 ? mw / 1000.0 : 0;
  }

  using Clock = int (*)(void*, int, unsigned*);
  using Fields = int (*)(void*, int, Field*);
  using Figure = int (*)(void*, unsigned*);

  template <class Function>
  [[nodiscard]] Function function(const char* name) const {
    return library_ == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library_, name));
  }

  void* library_ = nullptr;
  void* device_ = nullptr;
  Clock clock_ = nullptr;
  Figure power_ = nullptr;
  Fields fields_ = nullptr;
  Clock temperature_ = nullptr;
};

class Board::Watch {
 public:
  explicit Watch(const Nvml& nvml) : nvml_(nvml), thread_([this] { run(); }) {}
  ~Watch() {
    {
      const std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void begin() {
    const std::scoped_lock lock(mutex_);
    sum_ = BoardState();
    samples_ = 0;
  }

  [[nodiscard]] BoardState mean() {
    const std::scoped_lock lock(mutex_);
    // A case shorter than the pause is told what is seen right after it.
    if (samples_ == 0) return nvml_.state();
    BoardState state = sum_;
    for (double* figure :
         {&state.power_w, &state.sm_mhz, &state.memory_mhz, &state.temperature_c}) {
      *figure /= samples_;
    }
    return state;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(5), [this] { return stop_; })) {
      lock.unlock();
      const BoardState now = nvml_.state();
      lock.lock();
      sum_.power_w += now.power_w;
      sum_.sm_mhz += now.sm_mhz;
      sum_.memory_mhz += now.memory_mhz;
      sum_.temperature_c += now.temperature_c;
      ++samples_;
    }
  }

  const Nvml& nvml_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  BoardState sum_;
  int samples_ = 0;
  std::thread thread_;
};

Board::Board(const std::string& pci_bus_id) : nvml_(std::make_unique<Nvml>(pci_bus_id)) {
  if (nvml_->works()) watch_ = std::make_unique<Watch>(*nvml_);
}

Board::~Board() = default;

void Board::begin() {
  if (watch_ != nullptr) watch_->begin();
}

BoardState Board::end() { return watch_ != nullptr ? watch_->mean() : BoardState(); }

std::string Board::driver() const { return nvml_->driver(); }

}  // namespace orrery::kernels
