package file

import "fmt"

// maxProfile is the largest profile that is kept, in bytes: what 255 segments of a JPEG file hold (ICC.1:2010, B.4).
const maxProfile = 255 * segmentProfile

// keepProfile takes a profile that fits the picture, and notes why another is left out.
func (p *Picture) keepProfile(icc []byte) {
	if icc == nil {
		return
	}
	if err := checkProfile(icc, p.Image.Channels); err != nil {
		p.Notes = append(p.Notes, fmt.Sprintf("The colour profile is not kept: %v.", err))
		return
	}
	p.ICC = icc
}

// checkProfile returns an error for bytes that are no profile, or one that is not for a number of channels (ICC.1:2010, 7.2).
func checkProfile(icc []byte, channels int) error {
	const headerBytes = 128
	if len(icc) < headerBytes || string(icc[36:40]) != "acsp" {
		return fmt.Errorf("%d bytes that are no ICC profile", len(icc))
	}
	if n := be.Uint32(icc); int64(n) != int64(len(icc)) {
		return fmt.Errorf("it says %d bytes and has %d", n, len(icc))
	}
	if len(icc) > maxProfile {
		return fmt.Errorf("it has %d bytes, and the limit is %d", len(icc), maxProfile)
	}
	want := "RGB "
	if channels == 1 {
		want = "GRAY"
	}
	if space := string(icc[16:20]); space != want {
		return fmt.Errorf("it is for colours of %q, and the picture has %q", space, want)
	}
	return nil
}
