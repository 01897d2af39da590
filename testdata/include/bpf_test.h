/* SPDX-License-Identifier: MIT
 *
 * The common beginning of test objects. Programs leave results in global variables, and the "run:"
 * lines of an object's head comment claim their values (see internal/testobj, Runs).
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#define LICENSE(text) char _license[] SEC("license") = text
