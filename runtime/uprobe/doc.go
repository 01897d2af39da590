// Package uprobe attaches programs to functions of executables and shared libraries by their names, with what
// [debug/elf] reads. Who knows the functions' offsets needs only package runtime.
//
// A file is a path, or a name without a slash: that of a shared library ("libc.so.6"), found as the dynamic linker finds it, by
// LD_LIBRARY_PATH, /etc/ld.so.cache and the usual folders; or that of a command, found in PATH. A file of another mount
// namespace is reached through a process in it: /proc/PID/root/usr/lib/libssl.so.3.
//
// A function is named as in the file's symbol tables, .symtab and .dynsym: "readline", "main.main". Where a library has several
// versions of one, the default is meant; "memcpy@GLIBC_2.2.5" is another one.
package uprobe
