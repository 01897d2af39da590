/* Probes placed by a compiler, with notes like those of systemtap's sys/sdt.h. */
#include <stdint.h>

#define STRING(text) #text
#define SIZE(value) ((int)sizeof(value) * (((__typeof__(value))-1) < 0 ? -1 : 1))

/* %c prints a constant as a bare number; "nor" means a constant, memory or a register. */
#define ARG(n) "%c[size" STRING(n) "]@%[arg" STRING(n) "]"
#define OPERAND(n, value) [size##n] "n"(SIZE(value)), [arg##n] "nor"(value)

#define NOTE(name, args)                                                       \
	"990: nop\n"                                                           \
	".pushsection .note.stapsdt, \"\", \"note\"\n"                         \
	".balign 4\n"                                                          \
	".4byte 992f-991f, 994f-993f, 3\n"                                     \
	"991: .asciz \"stapsdt\"\n"                                            \
	"992: .balign 4\n"                                                     \
	"993: .8byte 990b, _.stapsdt.base, 0\n"                                \
	".asciz \"test\"\n"                                                    \
	".asciz \"" name "\"\n"                                                \
	".asciz \"" args "\"\n"                                                \
	"994: .balign 4\n"                                                     \
	".popsection\n"                                                        \
	".ifndef _.stapsdt.base\n"                                             \
	".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n" \
	".weak _.stapsdt.base\n"                                               \
	".hidden _.stapsdt.base\n"                                             \
	"_.stapsdt.base: .space 1\n"                                           \
	".size _.stapsdt.base, 1\n"                                            \
	".popsection\n"                                                        \
	".endif\n"

static volatile int counter = 7;

__attribute__((noinline)) void element(int *array, long i)
{
	__asm__ volatile(NOTE("element", ARG(0) " " ARG(1)) ::OPERAND(0, array[i]), OPERAND(1, i));
}

__attribute__((noinline)) void sizes(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h)
{
	__asm__ volatile(NOTE("sizes", ARG(0) " " ARG(1) " " ARG(2) " " ARG(3) " " ARG(4) " " ARG(5) " " ARG(6) " " ARG(7))
			 ::OPERAND(0, a), OPERAND(1, b), OPERAND(2, c), OPERAND(3, d), OPERAND(4, e), OPERAND(5, f), OPERAND(6, g), OPERAND(7, h));
}

int main(int argc, char **argv)
{
	int array[8] = {0, 1, 2, 3, 4, 5, 6, 7};

	__asm__ volatile(NOTE("start", ""));
	__asm__ volatile(NOTE("mixed", ARG(0) " " ARG(1) " " ARG(2) " " ARG(3))
			 ::OPERAND(0, argc), OPERAND(1, (uintptr_t)argv), OPERAND(2, -9), OPERAND(3, counter));
	element(array, argc);
	sizes(argc, argc, argc, argc, argc, argc, argc, argc);
	sizes(-1, -1, -1, -1, -1, -1, -1, -1);
	return 0;
}
