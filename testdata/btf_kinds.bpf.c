/* BTF of every kind that C makes: floats, 64-bit enums, forward declarations, unions, bit fields, arrays of
 * arrays, function prototypes, qualifiers, typedefs of typedefs, declaration tags and type tags.
 *
 * run: use retval=0 got=1
 */
#include "btf_kinds.h"
