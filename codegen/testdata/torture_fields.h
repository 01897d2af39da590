/* SPDX-License-Identifier: MIT
 *
 * The parts of torture.h's types that are compared with Go, by variable and path.
 *
 *	T(v)        the size of the whole type
 *	O(v, path)  offset and size
 *	F(v, path)  and values, both ways, of an integer, bool or enum
 *	P(v, path)  the same of a pointer
 *	W(v, path)  the same of a 128-bit integer
 *	B(v, path)  values of a bit-field
 *	X(v, path)  values of a 128-bit bit-field
 *
 * Values are compared after all have been set, so only one member of a union has them. A comment
 * gives the path in Go if it does not follow from the path in C.
 */
T(v_ints)
F(v_ints, c)
F(v_ints, sc)
F(v_ints, uc)
F(v_ints, s)
F(v_ints, us)
F(v_ints, i)
F(v_ints, u)
F(v_ints, l)
F(v_ints, ul)
F(v_ints, ll)
F(v_ints, ull)
F(v_ints, b)

T(v_holes)
F(v_holes, a)
F(v_holes, b)
F(v_holes, c)
F(v_holes, d)
F(v_holes, e)

T(v_packed_all)
F(v_packed_all, a)
F(v_packed_all, b)
F(v_packed_all, c)
F(v_packed_all, d)

T(v_packed_tail)
F(v_packed_tail, a)
F(v_packed_tail, b)

T(v_packed_4)
F(v_packed_4, a)
F(v_packed_4, b)

T(v_aligned_64)
F(v_aligned_64, a)
F(v_aligned_64, b)

T(v_aligned_inside)
F(v_aligned_inside, a)
O(v_aligned_inside, in)
F(v_aligned_inside, in.a)
F(v_aligned_inside, in.b)
F(v_aligned_inside, b)

T(v_packed_outer)
F(v_packed_outer, a)
F(v_packed_outer, in.b)
F(v_packed_outer, in.e)
F(v_packed_outer, list[1].a)
F(v_packed_outer, list[1].b)

T(v_packed_array)
F(v_packed_array, a)
F(v_packed_array, list[0])
F(v_packed_array, list[2])
F(v_packed_array, b)

T(v_packed_mixed)
F(v_packed_mixed, a)
F(v_packed_mixed, b)
F(v_packed_mixed, c)
F(v_packed_mixed, d)

T(v_nested)
O(v_nested, pos)
F(v_nested, pos.x)
F(v_nested, pos.y)
P(v_nested, next)
F(v_nested, top.mid.deep)

T(v_anonymous)
F(v_anonymous, a)
F(v_anonymous, b)
F(v_anonymous, c)
F(v_anonymous, d)
F(v_anonymous, e)

T(v_number)
O(v_number, bytes)
O(v_number, words)
F(v_number, whole)
O(v_number, real)

T(v_has_union)
F(v_has_union, tag)
F(v_has_union, n.whole)
O(v_has_union, n.bytes[3])
F(v_has_union, list[1].words[1])

T(v_anonymous_union)
F(v_anonymous_union, family)
O(v_anonymous_union, v4)
O(v_anonymous_union, v6)
F(v_anonymous_union, high)
F(v_anonymous_union, low)
F(v_anonymous_union, port)

T(v_packed_union)
F(v_packed_union, family)
F(v_packed_union, v4)
F(v_packed_union, n.whole)

T(v_of_structs)
F(v_of_structs, holes.b)
F(v_of_structs, pair.a)
O(v_of_structs, pair.b)
O(v_of_structs, x)
O(v_of_structs, y)
O(v_of_structs, z)

T(v_odd)
O(v_odd, bytes)
F(v_odd, word)

T(v_bits)
B(v_bits, a)
B(v_bits, b)
B(v_bits, c)
B(v_bits, d)
B(v_bits, e)

T(v_bits_signed)
B(v_bits_signed, a)
B(v_bits_signed, b)
B(v_bits_signed, c)
B(v_bits_signed, d)

T(v_bits_wide)
B(v_bits_wide, a)
B(v_bits_wide, b)
B(v_bits_wide, c)
B(v_bits_wide, d)

T(v_bits_gaps)
B(v_bits_gaps, a)
B(v_bits_gaps, b)
B(v_bits_gaps, c)
F(v_bits_gaps, d)

T(v_bits_packed)
B(v_bits_packed, a)
B(v_bits_packed, b)
B(v_bits_packed, c)
B(v_bits_packed, d)

T(v_bits_kinds)
B(v_bits_kinds, a)
B(v_bits_kinds, b)
B(v_bits_kinds, c)
B(v_bits_kinds, d)
B(v_bits_kinds, e)

T(v_bits_between)
F(v_bits_between, a)
B(v_bits_between, b)
B(v_bits_between, c)
F(v_bits_between, d)
F(v_bits_between, e)

T(v_bits_union)
O(v_bits_union, both)
B(v_bits_union, wide)

T(v_bits_128)
B(v_bits_128, a)
X(v_bits_128, b)
X(v_bits_128, c)
X(v_bits_128, d)
X(v_bits_128, e)
X(v_bits_128, f)

T(v_bits_one)
B(v_bits_one, only)

T(v_wide)
W(v_wide, u)
W(v_wide, s)
W(v_wide, list[1])

T(v_wide_packed)
F(v_wide_packed, a)
W(v_wide_packed, u)

T(v_wide_hole)
F(v_wide_hole, a)
W(v_wide_hole, s)

T(v_pointers)
P(v_pointers, v)
P(v_pointers, text)
P(v_pointers, opaque)
P(v_pointers, call)
P(v_pointers, self)
P(v_pointers, list[2])
P(v_pointers, matrix)

T(v_list_node)
P(v_list_node, next)
P(v_list_node, prev)
F(v_list_node, value)

T(v_packed_pointer)
F(v_packed_pointer, a)
P(v_packed_pointer, p)

T(v_arrays)
F(v_arrays, text[15])
F(v_arrays, raw[2])
F(v_arrays, small[1])
F(v_arrays, flags[2])
F(v_arrays, one[0])
F(v_arrays, grid[1][2])
F(v_arrays, holes[1].b)
F(v_arrays, points[2].y)
O(v_arrays, points)

T(v_flexible)
F(v_flexible, count)
F(v_flexible, kind)

T(v_empty_array)
F(v_empty_array, a)
F(v_empty_array, b)

T(v_empty_struct)
F(v_empty_struct, a)

T(v_enums)
F(v_enums, color)
F(v_enums, sign)
F(v_enums, large)
F(v_enums, deep)
F(v_enums, tiny)
F(v_enums, tiny_signed)
F(v_enums, kind)
F(v_enums, inner)
F(v_enums, list[1])

T(v_packed_enum)
F(v_packed_enum, a)
F(v_packed_enum, color)

T(v_typedefs)
F(v_typedefs, a.a)
F(v_typedefs, b.a)
F(v_typedefs, c[3])
F(v_typedefs, d.a)
O(v_typedefs, d.b)
F(v_typedefs, e.a)
F(v_typedefs, f.a)
O(v_typedefs, g)

T(v_keywords)
F(v_keywords, type)
F(v_keywords, func)
F(v_keywords, range)
F(v_keywords, map)
F(v_keywords, chan)
F(v_keywords, var)
F(v_keywords, select)
F(v_keywords, interface)
F(v_keywords, defer)
F(v_keywords, go)

T(v_cases)
F(v_cases, foo)
F(v_cases, Foo) /* Go: V_cases.Foo2 */
F(v_cases, FOO)
F(v_cases, _foo) /* Go: V_cases.Foo3 */
F(v_cases, __foo) /* Go: V_cases.Foo4 */
F(v_cases, foo_) /* Go: V_cases.Foo5 */
F(v_cases, f_oo)
F(v_cases, fOo)

T(v_underscores)
F(v_underscores, _) /* Go: V_underscores.X */
F(v_underscores, __) /* Go: V_underscores.X2 */
F(v_underscores, _1) /* Go: V_underscores.X1 */
F(v_underscores, a__b)
F(v_underscores, A_B)
F(v_underscores, a_1_b)

T(v_setters)
F(v_setters, set_x)
B(v_setters, x) /* Go: V_setters.X2 */
B(v_setters, set_y)
B(v_setters, y) /* Go: V_setters.Y2 */
F(v_setters, raw12)
O(v_setters, string)
F(v_setters, host_layout)

T(v_long)
F(v_long, another_very_long_name_indeed_as_people_make_them_when_a_machine_writes_their_c_for_them_and_nobody_looks_at_it_again)

T(v_skeleton)
F(v_skeleton, a)
T(v_maps)
F(v_maps, a)
T(v_bss_section)
F(v_bss_section, a)
T(v_same_name)
F(v_same_name, a)
T(v_SameName)
F(v_SameName, a)
T(v_sameName) /* Go: V_sameName2 */
F(v_sameName, a) /* Go: V_sameName2.A */

T(v_big)
F(v_big, a)
F(v_big, page[3999])
F(v_big, b)

T(v_tower)
F(v_tower, a.b.c.d.e.top)

T(v_floats)
O(v_floats, f)
O(v_floats, d)

T(v_one_byte)
F(v_one_byte, a)

T(v_qualified)
O(v_qualified, a)
F(v_qualified, b)
O(v_qualified, c)
P(v_qualified, d)

T(v_end_union)
F(v_end_union, a)
O(v_end_union, b)
F(v_end_union, c)

T(v_shared_tail)
F(v_shared_tail, list[2].a)
F(v_shared_tail, a)

T(v_prefix)
F(v_prefix, length)
F(v_prefix, address[3])

T(v_half_aligned)
F(v_half_aligned, a)
F(v_half_aligned, b)
F(v_half_aligned, c)
F(v_half_aligned, u.d)
F(v_half_aligned, f)

T(v_palette)
