// SPDX-License-Identifier: Apache-2.0
#include "sim/app/app.h"

int main(int argc, char** argv) { return orrery::main(argc, argv, orrery::builtin()); }
