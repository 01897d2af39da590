// Package uprobe attaches programs to functions in executables and shared libraries by name, and to
// their USDT probes. It reads symbols and notes with [debug/elf]. If you know the offsets of the
// functions, package runtime is enough.
//
// Files are given as paths, or as names without a slash. Such a name is that of a shared library
// ("libc.so.6"), which is looked up as the dynamic linker does, in LD_LIBRARY_PATH,
// /etc/ld.so.cache and the default directories, or that of a command, which is looked up in PATH.
// To reach a file in another mount namespace, use the root of a process in it:
// /proc/PID/root/usr/lib/libssl.so.3.
//
// Functions are named as in the file's symbol tables, .symtab and .dynsym: "readline", "main.main".
// If a library has several versions of a function, its plain name means the default version;
// "memcpy@GLIBC_2.2.5" names another.
package uprobe
