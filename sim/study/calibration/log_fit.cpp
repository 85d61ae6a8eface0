// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/log_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "models/calibration/least_squares.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::size_t kFewestSteps = 200;
constexpr std::size_t kBlocks = 20;
/// Of the steps that are fitted, so that an hour of them takes about a second.
constexpr std::size_t kMostRows = 20'000;
constexpr double kWindowSeconds = 10;
constexpr std::size_t kFewestWindows = 3;
/// Relative residuals beyond this count by their size only: pauses are no steps.
constexpr double kHuber = 0.1;

/// Device scalars, in us; free_tokens in tokens. Bounds: from as good as nothing to what the
/// slowest machine that serves at all would take.
enum Scalar : std::size_t { kStep, kToken, kFree, kRequest, kKvToken, kScalars };
constexpr std::array<Parameter, kScalars> kDevice = {{{"step", 5'000, 10, 1'000'000},
                                                      {"token", 20, 0.001, 10'000},
                                                      {"free_tokens", 1, 0.1, 4'096},
                                                      {"request", 5, 0.001, 5'000},
                                                      {"kv_token", 0.05, 1e-6, 20}}};
constexpr std::array<std::string_view, kScalars> kUnits = {"us", "us", "tokens", "us", "us"};
constexpr std::array<double, 6> kFreeTokenStarts = {1, 64, 128, 256, 512, 1'024};
constexpr double kMostHostStep = 20'000;
constexpr double kMostHostRequest = 500;

struct Row {
  double tokens = 0;
  double requests = 0;
  double kv = 0;
  double us = 0;
};

struct Host {
  double step_us = 0;
  double request_us = 0;
  std::size_t windows = 0;
};

double predict(std::span<const double> v, const Row& row) {
  return v[kStep] + v[kToken] * std::max(0.0, row.tokens - v[kFree]) + v[kRequest] * row.requests +
         v[kKvToken] * row.kv;
}

/// Sums of the normal equations of wall - waits = a steps + b requests.
struct HostSums {
  double nn = 0, nr = 0, rr = 0, ny = 0, ry = 0;
  std::size_t windows = 0;

  void add(double steps, double requests, double us) {
    nn += steps * steps;
    nr += steps * requests;
    rr += requests * requests;
    ny += steps * us;
    ry += requests * us;
    ++windows;
  }
  [[nodiscard]] Host solve() const {
    const auto clamp = [](double value, double most) { return std::clamp(value, 0.0, most); };
    const double det = nn * rr - nr * nr;
    double a = 0;
    double b = 0;
    // Where batches hardly vary the two cannot be told apart: all is the step's.
    if (det > 1e-6 * nn * rr) {
      a = (ny * rr - ry * nr) / det;
      b = (nn * ry - nr * ny) / det;
    }
    if (det <= 1e-6 * nn * rr || b < 0) {
      b = 0;
      a = nn > 0 ? ny / nn : 0;
    } else if (a < 0) {
      a = 0;
      b = ry / rr;
    }
    return {clamp(a, kMostHostStep), clamp(b, kMostHostRequest), windows};
  }
};

/// A stretch of one engine's steps between two lines, each the first of its second.
struct Window {
  bool open = false;
  double began_s = 0;
  double last_s = 0;
  double steps = 0;
  double requests = 0;
  double waits_us = 0;
};

void begin(Window& window, double now) { window = {true, now, now, 0, 0, 0}; }

/// A step without a generation request may follow a pause: no stretch reaches across it.
Host fit_host(const EngineLog& log) {
  std::vector<Window> windows(static_cast<std::size_t>(log.engines));
  HostSums sums;
  for (const LoggedStep& step : log.steps) {
    Window& window = windows[step.engine];
    if (!step.logged_s || step.generation_requests == 0 || *step.logged_s < window.last_s) {
      window = {false, 0, step.logged_s.value_or(0), 0, 0, 0};
      continue;
    }
    const bool first_of_second = std::floor(*step.logged_s) > std::floor(window.last_s);
    window.last_s = *step.logged_s;
    if (!window.open) {
      if (first_of_second) begin(window, *step.logged_s);
      continue;
    }
    window.steps += 1;
    window.requests += static_cast<double>(step.requests());
    window.waits_us += 1e3 * step.elapsed_ms;
    if (!first_of_second || *step.logged_s - window.began_s < kWindowSeconds) continue;
    sums.add(window.steps, window.requests,
             1e6 * (*step.logged_s - window.began_s) - window.waits_us);
    begin(window, *step.logged_s);
  }
  return sums.solve();
}

std::vector<Row> rows_of(const EngineLog& log, const Host& host) {
  const bool async = log.async_scheduling.value_or(false);
  std::vector<Row> rows;
  for (const LoggedStep& step : log.steps) {
    Row row;
    row.tokens = static_cast<double>(step.tokens());
    row.requests = static_cast<double>(step.requests());
    if (step.kv_tokens && step.requests() > 0) {
      row.kv = *step.kv_tokens * static_cast<double>(step.generation_requests) / row.requests;
    }
    row.us = 1e3 * step.elapsed_ms;
    if (async) row.us += host.step_us + host.request_us * row.requests;
    rows.push_back(row);
  }
  return rows;
}

bool held_out(std::size_t index, std::size_t count) { return index * kBlocks / count % 4 == 3; }

double loss(std::span<const double> values, std::span<const Row> rows) {
  double sum = 0;
  for (const Row& row : rows) {
    const double size = std::abs(predict(values, row) / row.us - 1);
    sum += size < kHuber ? size * size / 2 : kHuber * (size - kHuber / 2);
  }
  return sum;
}

/// What is not in `fitted` stays 0.
std::vector<double> fit_device(std::span<const Row> rows, const std::vector<Scalar>& fitted) {
  std::vector<double> best;
  const auto spread = [&](std::span<const double> values) {
    std::vector<double> all(kScalars, 0.0);
    for (std::size_t i = 0; i < fitted.size(); ++i) all[fitted[i]] = values[i];
    return all;
  };
  for (const double free_tokens : kFreeTokenStarts) {
    std::vector<Parameter> parameters;
    for (const Scalar scalar : fitted) {
      parameters.push_back(kDevice[scalar]);
      if (scalar == kFree) parameters.back().first = free_tokens;
    }
    const auto values = spread(least_squares(parameters, rows.size(), kHuber,
                                             [&](std::span<const double> v, std::span<double> out) {
                                               const std::vector<double> all = spread(v);
                                               for (std::size_t i = 0; i < rows.size(); ++i) {
                                                 out[i] = predict(all, rows[i]) / rows[i].us - 1;
                                               }
                                             }));
    if (best.empty() || loss(values, rows) < loss(best, rows)) best = values;
  }
  return best;
}

void measure_errors(std::span<const double> values, const std::vector<Row>& left, LogFit& fit) {
  std::vector<double> sizes;
  std::vector<double> errors;
  for (const Row& row : left) {
    errors.push_back(predict(values, row) / row.us - 1);
    sizes.push_back(std::abs(errors.back()));
  }
  const auto at = [](std::vector<double>& sorted, double share) {
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
  };
  fit.held_out_steps = static_cast<std::int64_t>(left.size());
  fit.median_abs_error = at(sizes, 0.5);
  fit.p90_abs_error = at(sizes, 0.9);
  fit.bias = at(errors, 0.5);
}

Duration from_us(double us) { return round_up_to_duration(us * 1e-6); }

void add_scalar(LogFit& fit, std::string_view name, double value, double low, double high,
                std::string_view unit) {
  const bool at_bound = value > 0.999 * high || value < 1.5 * low;
  fit.scalars.push_back({std::string(name), value, low, high, std::string(unit), at_bound});
}

void fill_host(const EngineLog& log, const Host& host, LogFit& fit) {
  if (host.windows < kFewestWindows) {
    fit.remarks.push_back(
        fmt::format("host_step and host_request are not fitted: {} stretches of ten busy seconds "
                    "with a clock, and {} are needed",
                    host.windows, kFewestWindows));
    return;
  }
  fit.law.host_step = from_us(host.step_us);
  fit.law.host_request = from_us(host.request_us);
  add_scalar(fit, "host_step", host.step_us, 0, kMostHostStep, "us");
  add_scalar(fit, "host_request", host.request_us, 0, kMostHostRequest, "us");
  if (!log.async_scheduling) {
    fit.remarks.push_back(
        "the log does not say whether scheduling is asynchronous: a step's time is taken to be "
        "what was waited for it");
  }
}

void fill_device(std::span<const double> v, const std::vector<Scalar>& fitted, LogFit& fit) {
  for (const Scalar scalar : fitted) {
    add_scalar(fit, kDevice[scalar].name, v[scalar], kDevice[scalar].low, kDevice[scalar].high,
               kUnits[scalar]);
  }
  fit.law.step = from_us(v[kStep]);
  fit.law.token = from_us(v[kToken]);
  fit.law.free_tokens = std::llround(v[kFree]);
  fit.law.request = from_us(v[kRequest]);
  fit.law.kv_token = from_us(v[kKvToken]);
}

}  // namespace

LogFit fit_log(const EngineLog& log) {
  if (log.steps.size() < kFewestSteps) {
    throw ConfigError(fmt::format("the log has {} steps (`Iteration(...)` lines); {} are needed",
                                  log.steps.size(), kFewestSteps));
  }
  LogFit fit;
  const Host host = fit_host(log);
  fill_host(log, host, fit);
  const std::vector<Row> rows = rows_of(log, host.windows < kFewestWindows ? Host() : host);
  std::vector<Row> fitted;
  std::vector<Row> left;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].us <= 0) continue;
    (held_out(i, rows.size()) ? left : fitted).push_back(rows[i]);
  }
  if (fitted.empty() || left.empty()) {
    throw ConfigError("the log's steps took no time: there is nothing to fit");
  }
  const std::size_t stride = (fitted.size() + kMostRows - 1) / kMostRows;
  std::vector<Row> thinned;
  for (std::size_t i = 0; i < fitted.size(); i += stride) thinned.push_back(fitted[i]);
  std::vector<Scalar> scalars = {kStep, kToken, kFree, kRequest};
  const bool knows_kv = std::any_of(log.steps.begin(), log.steps.end(),
                                    [](const LoggedStep& step) { return step.kv_tokens; });
  if (knows_kv) {
    scalars.push_back(kKvToken);
  } else {
    fit.remarks.emplace_back(
        "kv_token is not fitted: the log has no `GPU KV cache usage` after a `GPU KV cache size`");
  }
  const std::vector<double> values = fit_device(thinned, scalars);
  fit.fitted_steps = static_cast<std::int64_t>(thinned.size());
  fill_device(values, scalars, fit);
  measure_errors(values, left, fit);
  fit.law.sources = fmt::format(
      "{} steps of a vLLM log{}; error on {} steps left out: median {:.1f} %, p90 {:.1f} %",
      log.steps.size(), log.model.empty() ? "" : " of " + log.model, fit.held_out_steps,
      100 * fit.median_abs_error, 100 * fit.p90_abs_error);
  return fit;
}

}  // namespace orrery
