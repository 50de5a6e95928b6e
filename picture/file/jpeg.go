package file

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
)

// Markers of a JPEG file (ITU-T T.81, table B.1).
const (
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerRST0 = 0xd0
	markerTEM  = 0x01
	markerAPP1 = 0xe1
	markerAPP2 = 0xe2
)

// How segments of APP1 and APP2 begin.
const (
	exifMark = "Exif\x00\x00"
	xmpMark  = "http://ns.adobe.com/xap/1.0/\x00"
	iccMark  = "ICC_PROFILE\x00"
	mpfMark  = "MPF\x00"
)

// segmentProfile is the most bytes of a profile in a segment: 65,535 less the length, the mark, a number and a count (ICC.1:2010, B.4).
const segmentProfile = 65535 - 2 - len(iccMark) - 2

// readJPEG reads the header of a JPEG file.
func (h *header) readJPEG(data []byte) (image.Config, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return c, err
	}
	h.least = int64(c.Width) * int64(c.Height) / 64 / 8 // a block of 8×8 has at least one bit of code
	var profile parts
	segments(data, func(marker byte, s []byte) {
		switch {
		case marker == markerAPP1 && begins(s, exifMark):
			h.orient(s[len(exifMark):])
		case marker == markerAPP1 && bytes.HasPrefix(s, []byte(xmpMark)):
			h.note(metadataNote)
		case marker == markerAPP2 && begins(s, iccMark):
			profile.add(s[len(iccMark):])
		case marker == markerAPP2 && begins(s, mpfMark):
			h.note("The file has more pictures after the first, such as a gain map or a second view. They are not kept.")
		}
	})
	h.icc, err = profile.join()
	if err != nil {
		h.note("The colour profile is not kept: %v.", err)
	}
	return c, nil
}

// segments calls each with the marker and the content of every segment before the first scan.
func segments(data []byte, each func(marker byte, content []byte)) {
	for i := 2; i+4 <= len(data); {
		if data[i] != 0xff {
			i++ // Go's decoder skips what is between segments too
			continue
		}
		marker := data[i+1]
		switch {
		case marker == 0xff:
			i++
			continue
		case marker == 0 || marker == markerTEM || marker >= markerRST0 && marker <= markerSOI:
			i += 2
			continue
		case marker == markerSOS || marker == markerEOI:
			return
		}
		n := int(be.Uint16(data[i+2:]))
		if n < 2 || i+2+n > len(data) {
			return
		}
		each(marker, data[i+4:i+2+n])
		i += 2 + n
	}
}

// parts are the parts of a profile, by their number from 1.
type parts struct {
	count int
	of    map[int][]byte
	bad   bool
}

// add takes a segment: its number, the count of segments, and a part.
func (p *parts) add(s []byte) {
	if len(s) < 2 {
		p.bad = true
		return
	}
	number, count := int(s[0]), int(s[1])
	if p.of == nil {
		p.of, p.count = map[int][]byte{}, count
	}
	if _, twice := p.of[number]; twice || number < 1 || number > count || count != p.count {
		p.bad = true
		return
	}
	p.of[number] = s[2:]
}

// join is the whole profile, nil if the file has none.
func (p *parts) join() ([]byte, error) {
	if p.bad {
		return nil, errors.New("the numbers of its segments are wrong")
	}
	if len(p.of) < p.count {
		return nil, errors.New("a segment of it is missing")
	}
	var icc []byte
	for i := range p.count {
		icc = append(icc, p.of[i+1]...)
	}
	return icc, nil
}

// profileSegments are the segments that carry a profile.
func profileSegments(icc []byte) []byte {
	count := (len(icc) + segmentProfile - 1) / segmentProfile
	var out []byte
	for i := range count {
		part := icc[i*segmentProfile : min((i+1)*segmentProfile, len(icc))]
		out = append(out, 0xff, markerAPP2)
		out = be.AppendUint16(out, uint16(2+len(iccMark)+2+len(part)))
		out = append(out, iccMark...)
		out = append(out, byte(i+1), byte(count))
		out = append(out, part...)
	}
	return out
}
