#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What to run before a commit: formatting, clang-tidy on what changed, build, fast tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/format --check
scripts/tidy
exec env ORRERY_PRESET="${ORRERY_PRESET:-ci}" scripts/test
