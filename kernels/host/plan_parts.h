// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_HOST_PLAN_PARTS_H_
#define ORRERY_KERNELS_HOST_PLAN_PARTS_H_

#include <vector>

#include "kernels/host/plan.h"

namespace orrery::kernels {

// One function a part. What each writes into a case's detail is what that part's runner reads.
void list_launch(const DeviceFacts& device, std::vector<Case>& cases);
void list_memory(const DeviceFacts& device, std::vector<Case>& cases);
void list_chase(const DeviceFacts& device, std::vector<Case>& cases);
void list_gemm(const DeviceFacts& device, std::vector<Case>& cases);
void list_attention(const DeviceFacts& device, std::vector<Case>& cases);
void list_mixed(const DeviceFacts& device, std::vector<Case>& cases);
void list_rows(const DeviceFacts& device, std::vector<Case>& cases);
void list_sampling(const DeviceFacts& device, std::vector<Case>& cases);
void list_moe(const DeviceFacts& device, std::vector<Case>& cases);
void list_host(const DeviceFacts& device, std::vector<Case>& cases);
void list_layer(const DeviceFacts& device, std::vector<Case>& cases);
void list_partition(const DeviceFacts& device, std::vector<Case>& cases);
void list_peers(const DeviceFacts& device, std::vector<Case>& cases);
void list_sustained(const DeviceFacts& device, std::vector<Case>& cases);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_PLAN_PARTS_H_
