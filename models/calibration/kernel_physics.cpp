// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/kernel_physics.h"

#include <algorithm>

#include "models/calibration/operator_physics.h"
#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

std::int64_t rate_of(const GpuSpec& gpu, const KernelSet& set) {
  const GpuCompute& compute = gpu.compute;
  const auto& rate = set.dtype == "fp16"                              ? compute.fp16
                     : set.dtype == "int8"                            ? compute.int8
                     : set.dtype == "fp8" || set.dtype == "fp8_block" ? compute.fp8
                                                                      : compute.bf16;
  if (element_bytes(set.dtype) == 0 || !rate) {
    throw ConfigError({}, "dtype", gpu.name + " has no " + set.dtype + " tensor rate");
  }
  return rate->units_per_second();
}

struct Operator {
  std::span<const Parameter> (*parameters)();
  KernelView (*time)(const GpuFigures&, const KernelShape&, std::span<const double>, bool);
};
/// In the order of MeasuredOp.
constexpr std::array<Operator, kMeasuredOpNames.size()> kOperators = {{
    {gemm_parameters, gemm_time},
    {prefill_parameters, prefill_time},
    {decode_parameters, decode_time},
    {moe_parameters, moe_time},
}};
const Operator& of(MeasuredOp op) { return kOperators[static_cast<std::size_t>(op)]; }

}  // namespace

std::string_view KernelView::bound(double floor_us) const {
  const double work = std::max(compute_us, memory_us);
  if (floor_us > work) return "launch";
  return compute_us > memory_us ? "compute" : "memory";
}

KernelPhysics::KernelPhysics(const GpuSpec& gpu, const KernelSet& set) : op_(set.op) {
  gpu_.sms = static_cast<double>(gpu.compute.sms);
  gpu_.sm_flops = static_cast<double>(rate_of(gpu, set)) * 1e-6 / gpu_.sms;
  gpu_.memory_bytes = static_cast<double>(gpu.memory.bandwidth.units_per_second()) * 1e-6;
  gpu_.l2_bytes = static_cast<double>(gpu.memory.l2.count());
  gpu_.element = element_bytes(set.dtype);
  gpu_.kv_element = element_bytes(set.kv_dtype);
  gpu_.block_scaled = set.dtype == "fp8_block";
}

std::span<const Parameter> KernelPhysics::parameters() const { return of(op_).parameters(); }

double KernelPhysics::time_us(const KernelShape& shape, std::span<const double> values) const {
  return of(op_).time(gpu_, shape, values, false).time_us;
}

KernelView KernelPhysics::view(const KernelShape& shape, std::span<const double> values) const {
  return of(op_).time(gpu_, shape, values, true);
}

}  // namespace orrery
