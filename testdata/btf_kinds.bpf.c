/* All kinds of BTF from C: floats, 64-bit enums, forward declarations, unions, bit-fields, arrays
 * of arrays, prototypes, qualifiers, nested typedefs, declaration tags and type tags.
 *
 * run: use retval=0 got=1
 */
#include "btf_kinds.h"
