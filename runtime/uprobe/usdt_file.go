package uprobe

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// ErrNoUSDT means that a file has no USDT probe with the given name.
var ErrNoUSDT = errors.New("no such USDT probe")

// USDTProbe is a place in a file where a USDT probe fires. A compiler may put the same probe in
// several places.
type USDTProbe struct {
	Provider, Name string
	// Args are the sizes and locations of the arguments, in the compiler's notation: "-4@%edi
	// 8@-16(%rbp)".
	Args string
	// Offset is the offset of the place in the file, in bytes.
	Offset uint64
	// RefCtrOffset is the offset in the file of the semaphore, a 16-bit counter of the probe's
	// users. Zero means none.
	RefCtrOffset uint64

	address uint64 // virtual address in the file
}

// ReadUSDT returns the USDT probes of a file, in the file's order. It fails with [ErrNoUSDT] if
// there are none. See the package documentation for names of files.
func ReadUSDT(file string) ([]USDTProbe, error) {
	path, err := find(file)
	if err != nil {
		return nil, err
	}
	f, err := openUSDT(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.probes(func(*USDTProbe) bool { return true })
}

// usdtFile is an open file with probes.
type usdtFile struct {
	*elfFile
	path string
	file *os.File
}

func openUSDT(path string) (*usdtFile, error) {
	// Other files have no probes, and opening one may block, as with a FIFO.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	parsed, err := newELF(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &usdtFile{parsed, path, file}, nil
}

func (f *usdtFile) Close() error { return f.file.Close() }

// notesSizeMost is the size of the largest section of notes to read. That of a large server has
// hundreds of KiB.
const notesSizeMost = 64 << 20

// noteSDT is the type of notes that describe a probe, with owner "stapsdt".
const noteSDT = 3

// probes returns the probes for which want returns true.
func (f *usdtFile) probes(want func(*USDTProbe) bool) ([]USDTProbe, error) {
	list, err := f.elfFile.probes(want)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return list, nil
}

func (f *elfFile) probes(want func(*USDTProbe) bool) ([]USDTProbe, error) {
	section := f.section(".note.stapsdt")
	if section == nil || elf.SectionType(section.Type) != elf.SHT_NOTE {
		return nil, fmt.Errorf("the file has no USDT probes (no section .note.stapsdt): %w", ErrNoUSDT)
	}
	raw, err := f.data(section, notesSizeMost)
	if err != nil {
		return nil, fmt.Errorf("section .note.stapsdt: %w", err)
	}
	// Prelinking moves a file without changing its notes. Each note has the address that this
	// section had when the note was written.
	var base uint64
	if s := f.section(".stapsdt.base"); s != nil {
		base = s.Addr
	}
	var list []USDTProbe
	for len(raw) >= noteHeader { // fewer bytes are padding
		var owner, desc []byte
		var typ uint32
		if owner, desc, typ, raw, err = cutNote(raw, f.order); err != nil {
			return nil, err
		}
		if typ != noteSDT || string(owner) != "stapsdt\x00" {
			continue
		}
		p, err := f.parseProbe(desc, base)
		if err != nil {
			return nil, err
		}
		if want(&p) {
			if err := f.locate(&p); err != nil {
				return nil, fmt.Errorf("probe %s:%s: %w", p.Provider, p.Name, err)
			}
			list = append(list, p)
		}
	}
	return list, nil
}

var errNotes = errors.New("section .note.stapsdt is corrupt")

// noteHeader is the size of the three words at the start of a note: the sizes of owner and
// description, and the type.
const noteHeader = 12

// cutNote cuts the first note off raw, which has at least noteHeader bytes: the header, the owner
// and the description, each padded to words.
func cutNote(raw []byte, order binary.ByteOrder) (owner, desc []byte, typ uint32, rest []byte, err error) {
	ownerSize, descSize := uint64(order.Uint32(raw)), uint64(order.Uint32(raw[4:]))
	typ = order.Uint32(raw[8:])
	descAt := noteHeader + (ownerSize+3)&^3
	if descAt+descSize > uint64(len(raw)) {
		return nil, nil, 0, nil, errNotes
	}
	end := min((descAt+descSize+3)&^3, uint64(len(raw)))
	return raw[noteHeader : noteHeader+ownerSize], raw[descAt : descAt+descSize], typ, raw[end:], nil
}

// parseProbe parses a note's description: the addresses of the probe, of .stapsdt.base and of the
// semaphore, and three strings.
func (f *elfFile) parseProbe(desc []byte, base uint64) (p USDTProbe, err error) {
	const addresses = 3 * 8
	if len(desc) < addresses {
		return p, errNotes
	}
	p.address = f.order.Uint64(desc)
	p.RefCtrOffset = f.order.Uint64(desc[16:]) // an address, until locate converts it
	if noted := f.order.Uint64(desc[8:]); base != 0 && noted != 0 {
		p.address += base - noted
		if p.RefCtrOffset != 0 {
			p.RefCtrOffset += base - noted
		}
	}
	texts := desc[addresses:]
	for _, to := range []*string{&p.Provider, &p.Name, &p.Args} {
		text, rest, ok := bytes.Cut(texts, []byte{0})
		if !ok {
			return p, errNotes
		}
		*to, texts = string(text), rest
	}
	return p, nil
}

// locate converts addresses to offsets in the file.
func (f *elfFile) locate(p *USDTProbe) (err error) {
	if p.Offset, err = f.offset(p.address, 1, true); err != nil {
		return fmt.Errorf("place: %w", err)
	}
	if p.RefCtrOffset != 0 {
		if p.RefCtrOffset, err = f.offset(p.RefCtrOffset, 2, false); err != nil {
			return fmt.Errorf("semaphore: %w", err)
		}
	}
	return nil
}

// named returns the places of one probe. If there are none, the error lists the other probes.
func (f *usdtFile) named(provider, name string) ([]USDTProbe, error) {
	list, err := f.probes(func(p *USDTProbe) bool { return p.Provider == provider && p.Name == name })
	if err != nil || len(list) > 0 {
		return list, err
	}
	var others []string
	_, err = f.probes(func(p *USDTProbe) bool {
		if other := p.Provider + ":" + p.Name; len(others) < 100 && !slices.Contains(others, other) {
			others = append(others, other)
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(others)
	if len(others) > 8 {
		others = append(others[:8], "...")
	}
	return nil, fmt.Errorf("%s: %w: the file has %s", f.path, ErrNoUSDT, strings.Join(others, ", "))
}
