module github.com/bpf2lskel/bpf2lskel/internal/vmtest

go 1.26.0

require (
	github.com/cavaliergopher/cpio v1.0.1
	github.com/google/go-cmp v0.7.0
	github.com/knqyf263/go-deb-version v0.0.0-20241115132648-6f4aee6ccd23
	golang.org/x/sys v0.49.0
)
