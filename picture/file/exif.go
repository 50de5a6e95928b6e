package file

import "encoding/binary"

// Tags of a directory (TIFF 6.0, section 8; EXIF 2.32, table 4; DNG 1.4, chapter 4).
const (
	tagSubfile     = 254
	tagBits        = 258
	tagCompression = 259
	tagColours     = 262
	tagOrientation = 274
	tagSamples     = 277
	tagPlanes      = 284
	tagXMP         = 700
	tagEXIF        = 34665
	tagICC         = 34675
	tagDNG         = 50706
)

// entryBytes is the size of an entry: tag, type, count, and the value or its offset (TIFF 6.0, section 2).
const entryBytes = 12

// directory is an image file directory of a TIFF structure, which EXIF is too.
type directory struct {
	order   binary.ByteOrder
	data    []byte // the structure: offsets count from its start
	entries []byte // entryBytes each
	next    uint32 // the offset of the next directory; 0 for none
}

// firstDirectory is the first directory of a structure. It is false for one that is damaged.
func firstDirectory(data []byte) (directory, bool) {
	var d directory
	switch {
	case begins(data, "II*\x00"):
		d.order = binary.LittleEndian
	case begins(data, "MM\x00*"):
		d.order = binary.BigEndian
	default:
		return d, false
	}
	if len(data) < 8 {
		return d, false
	}
	d.data = data
	return d.at(d.order.Uint32(data[4:]))
}

// at is the directory at an offset of the same structure.
func (d directory) at(offset uint32) (directory, bool) {
	o, n := int64(offset), int64(len(d.data))
	if o < 8 || o+2 > n {
		return d, false
	}
	end := o + 2 + entryBytes*int64(d.order.Uint16(d.data[o:]))
	if end > n {
		return d, false
	}
	d.entries, d.next = d.data[o+2:end], 0
	if end+4 <= n {
		d.next = d.order.Uint32(d.data[end:])
	}
	return d, true
}

// entry is the type and the bytes of the values of a tag. It is false for a tag that is missing or whose values lie outside.
func (d directory) entry(tag uint16) (kind uint16, values []byte, ok bool) {
	sizes := [...]int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8} // by type, 1 … 12
	for e := d.entries; len(e) >= entryBytes; e = e[entryBytes:] {
		if d.order.Uint16(e) != tag {
			continue
		}
		kind = d.order.Uint16(e[2:])
		if int(kind) >= len(sizes) || sizes[kind] == 0 {
			return 0, nil, false
		}
		n := sizes[kind] * int64(d.order.Uint32(e[4:]))
		if n <= 4 {
			return kind, e[8 : 8+n], true
		}
		from := int64(d.order.Uint32(e[8:]))
		if from+n > int64(len(d.data)) {
			return 0, nil, false
		}
		return kind, d.data[from : from+n], true
	}
	return 0, nil, false
}

// number is the first value of a tag of whole numbers.
func (d directory) number(tag uint16) (uint32, bool) {
	kind, v, ok := d.entry(tag)
	switch {
	case !ok:
	case kind == 1 && len(v) >= 1:
		return uint32(v[0]), true
	case kind == 3 && len(v) >= 2:
		return uint32(d.order.Uint16(v)), true
	case kind == 4 && len(v) >= 4:
		return d.order.Uint32(v), true
	}
	return 0, false
}

// has reports whether a tag is there.
func (d directory) has(tag uint16) bool {
	_, _, ok := d.entry(tag)
	return ok
}

// following counts the directories after d. A directory that comes again ends the count, for a file may make a loop.
func (d directory) following() int {
	seen := map[uint32]bool{}
	for d.next != 0 && !seen[d.next] {
		seen[d.next] = true
		next, ok := d.at(d.next)
		if !ok {
			break
		}
		d = next
	}
	return len(seen)
}
