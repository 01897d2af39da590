package usdtsites

// Size is the size of one of the instructions, in bytes.
const Size = 4

// Registers are operands for Values in registers.
const Registers = "8@x0 -8@x1 4@x2 -4@w3 2@x4 -2@x5 1@x6 -1@w7"

// Memory are operands for Values in memory, followed by one for Before.
const Memory = "8@[x8] -8@[x8, 8] 4@[x8, 16] -4@[x8, 20] 2@[x8, 24] -2@[x8, 26] 1@[x8,28] -1@[x8, 29] -2@[x8, -2]"

// Index is for architectures that have memory at two registers.
const Index = ""
