package usdtsites

// Size is the size of one of the instructions, in bytes.
const Size = 2

// Registers are operands for Values in registers.
const Registers = "8@%r2 -8@%r3 4@%r4 -4@%r5 2@%r6 -2@%r7 1@%r8 -1@%r9"

// Memory are operands for Values in memory, followed by one for Before.
const Memory = "8@0(%r1) -8@8(%r1) 4@16(%r1) -4@20(%r1) 2@24(%r1) -2@26(%r1) 1@28(%r1) -1@29(%r1) -2@-2(%r1)"

// Index is the fifth of Values at two registers: the first one has 24.
const Index = "2@0(%r12,%r1)"
