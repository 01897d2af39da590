// Package uprobe attaches programs to functions of executables and shared
// libraries by name, and to their USDT probes. It reads symbols and notes with
// [debug/elf]. If you know the offsets of the functions, package runtime is enough.
//
// A file is a path or a name without a slash. Such a name is that of a shared
// library ("libc.so.6"), which is found as the dynamic linker finds it, by
// LD_LIBRARY_PATH, /etc/ld.so.cache and the usual folders, or that of a command,
// which is found in PATH. To reach a file of another mount namespace, go through a
// process in it: /proc/PID/root/usr/lib/libssl.so.3.
//
// A function is named as in the file's symbol tables, .symtab and .dynsym:
// "readline", "main.main". If a library has several versions of a function, its
// name alone means the default one; "memcpy@GLIBC_2.2.5" names another.
package uprobe
