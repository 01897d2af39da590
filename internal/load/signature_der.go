package load

// The kernel ignores some bytes of a PKCS #7 structure, such as the list of digests that a
// signature may use (pkcs7_parser.c). To make every byte count, the runtime accepts only one
// encoding, the one that `bpf2lskel sign` writes.

// DER of the constant parts.
const (
	oidSignedData = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
	oidData       = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
	version1      = "\x02\x01\x01"
	algSHA256     = "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
	algRSA        = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
	algECDSA      = "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02" // with SHA-256
)

// signer identifies the certificate whose key has made a signature.
type signer struct {
	issuer string // DER of the name
	serial string // of the certificate, big endian
}

// parseSignature reads a detached signature. The only accepted encoding is
//
//	ContentInfo { signedData, SignedData {
//		1, { SHA-256 }, { data },
//		{ SignerInfo { 1, { issuer, serial }, SHA-256, RSA or ECDSA, signature } } } }
func parseSignature(sig string) (s signer, ok bool) {
	outer := der{rest: sig}
	content := outer.open(0x30)
	outer.end()
	content.expect(oidSignedData)
	explicit := content.open(0xa0)
	content.end()
	signed := explicit.open(0x30)
	explicit.end()
	signed.expect(version1)
	signed.expect("\x31" + string(rune(len(algSHA256))) + algSHA256)
	signed.expect("\x30" + string(rune(len(oidData))) + oidData)
	infos := signed.open(0x31)
	signed.end()
	info := infos.open(0x30)
	infos.end()
	info.expect(version1)
	name := info.open(0x30)
	before := name.rest
	issuer := name.open(0x30)
	s.issuer = before[:len(before)-len(name.rest)]
	s.serial = name.open(0x02).rest
	name.end()
	info.expect(algSHA256)
	if !info.skip(algRSA) {
		info.expect(algECDSA)
	}
	signature := info.open(0x04)
	info.end()

	ok = s.serial != "" && signature.rest != ""
	for _, d := range []*der{&outer, content, explicit, signed, infos, info, name, issuer, signature} {
		ok = ok && !d.bad
	}
	return s, ok
}

// der is the unread rest of an element's contents.
type der struct {
	rest string
	bad  bool // the contents were not as expected
}

// open consumes an element with the given tag and returns its contents. Lengths must be in their
// shortest form.
func (d *der) open(tag byte) *der {
	const short, one, two = 0x7f, 0x81, 0x82
	b := d.rest
	size, head := 0, 0
	switch {
	case len(b) >= 2 && b[1] <= short:
		size, head = int(b[1]), 2
	case len(b) >= 3 && b[1] == one && b[2] > short:
		size, head = int(b[2]), 3
	case len(b) >= 4 && b[1] == two && b[2] != 0:
		size, head = int(b[2])<<8|int(b[3]), 4
	}
	if head == 0 || b[0] != tag || len(b)-head < size {
		d.bad = true
		return &der{bad: true}
	}
	d.rest = b[head+size:]
	return &der{rest: b[head : head+size]}
}

// skip consumes these bytes, which must come next.
func (d *der) skip(bytes string) bool {
	if len(d.rest) < len(bytes) || d.rest[:len(bytes)] != bytes {
		return false
	}
	d.rest = d.rest[len(bytes):]
	return true
}

func (d *der) expect(bytes string) {
	if !d.skip(bytes) {
		d.bad = true
	}
}

func (d *der) end() {
	if d.rest != "" {
		d.bad = true
	}
}
