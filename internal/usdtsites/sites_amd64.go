package usdtsites

// Size is the size of one of the instructions, in bytes.
const Size = 1

// Registers are operands for Values in registers.
const Registers = "8@%rax -8@%rbx 4@%ecx -4@%edx 2@%si -2@%di 1@%r8b -1@%r9b"

// Memory are operands for Values in memory, followed by one for Before.
const Memory = "8@(%r10) -8@8(%r10) 4@16(%r10) -4@20(%r10) 2@24(%r10) -2@26(%r10) 1@28(%r10) -1@29(%r10) -2@-2(%r10)"

// Index is the fifth of Values at two registers: the second one has 3, and is scaled by 8.
const Index = "2@(%r10,%r11,8)"
