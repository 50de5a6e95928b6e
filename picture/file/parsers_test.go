package file

import (
	"bytes"
	"testing"
)

// FuzzParsers reads bytes as each of the small forms that Go's decoders pass over.
func FuzzParsers(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x08\x00\x00\x00"))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00\x00\x00"))
	f.Add(append([]byte("\xff\xd8"), profileSegments(bytes.Repeat([]byte{7}, 70_000))...))
	packed, err := profileChunk(bytes.Repeat([]byte{7}, 300))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte(pngSignature), packed...))
	f.Add([]byte("RIFF....WEBPICCP\x02\x00\x00\x00abEXIF\x01\x00\x00\x00a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := header{orientation: 1}
		h.orient(data)
		var p parts
		segments(data, func(_ byte, s []byte) { p.add(s) })
		if icc, err := p.join(); err == nil && len(icc) > len(data) {
			t.Errorf("a profile of %d bytes out of %d", len(icc), len(data))
		}
		if len(data) >= len(pngSignature) {
			chunks(data, func(_ string, content []byte) { _, _ = inflateProfile(content) })
		}
		if len(data) >= 12 {
			_, _ = h.readWebP(data)
		}
		if d, ok := firstDirectory(data); ok && d.following() > len(data) {
			t.Error("more directories than bytes")
		}
		if h.orientation < 1 || h.orientation > 8 {
			t.Errorf("the orientation is %d", h.orientation)
		}
		_ = checkProfile(data, 3)
	})
}
