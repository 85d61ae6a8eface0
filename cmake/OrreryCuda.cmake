# SPDX-License-Identifier: Apache-2.0
# The kernels' program is the only user of CUDA; `orrery` never links it. AUTO builds it where a
# CUDA compiler is found, ON requires one, OFF does not look.
set(ORRERY_CUDA AUTO CACHE STRING "Build the CUDA microkernels: AUTO, ON or OFF")
set_property(CACHE ORRERY_CUDA PROPERTY STRINGS AUTO ON OFF)
if(NOT ORRERY_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "ORRERY_CUDA is ${ORRERY_CUDA}; known: AUTO, ON, OFF")
endif()
include(OrreryCudaLanguage)

if(NOT ORRERY_CUDA STREQUAL "OFF")
  orrery_enable_cuda()
endif()
if(NOT CMAKE_CUDA_COMPILER AND ORRERY_CUDA STREQUAL "AUTO")
  message(STATUS "No CUDA compiler: orrery-kernels is not built (orrery itself needs none)")
endif()
# What of it needs no GPU is built and tested in any case.
add_subdirectory(kernels)
