// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_BENCH_W10K_LIKE_H_
#define ORRERY_BENCH_W10K_LIKE_H_

#include <algorithm>
#include <cstdint>

#include "sim/core/math.h"
#include "sim/core/random.h"
#include "sim/workload/source.h"

namespace orrery::bench {

/// Requests with the shape of an hour of conversation service: Poisson arrivals at `rate`,
/// lognormal prompts of about 1,100 tokens and outputs of about 210, at most 4,096 in all.
class W10kLike final : public RequestSource {
 public:
  W10kLike(std::int64_t requests, double rate) : left_(requests), rate_(rate) {}

  std::optional<Instant> next_arrival() override {
    if (left_ == 0) return {};
    return next_;
  }

  void pop(Request& request) override {
    request = Request();
    request.id = RequestId{ids_++};
    request.arrival = next_;
    request.input_tokens = lognormal(6.7, 0.8, 3500);
    request.output_tokens = lognormal(5.0, 0.9, 4096 - request.input_tokens);
    request.max_tokens = request.output_tokens;
    next_ = next_ + round_up_to_duration(random_.exponential() / rate_);
    --left_;
  }

 private:
  std::int32_t lognormal(double mu, double sigma, std::int32_t most) {
    const double drawn = math::exp(mu + sigma * random_.normal());
    return static_cast<std::int32_t>(std::clamp(drawn, 1.0, static_cast<double>(most)));
  }

  std::int64_t left_;
  double rate_;
  RandomStream random_{0, "bench", "w10k-like"};
  Instant next_;
  std::uint32_t ids_ = 0;
};

}  // namespace orrery::bench

#endif  // ORRERY_BENCH_W10K_LIKE_H_
