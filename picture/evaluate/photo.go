package evaluate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// Track is a size that photographs are measured at.
type Track struct {
	Name          string
	Width, Height int
}

// The tracks. Photographs of cameras have less detail at their full size than at a half of it.
var (
	Soft  = Track{"soft", 3840, 2160}
	Sharp = Track{"sharp", 1920, 1080}
)

// ParseTracks reads names of tracks.
func ParseTracks(names []string) (all []Track, err error) {
	for _, name := range names {
		i := slices.IndexFunc([]Track{Soft, Sharp}, func(t Track) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("evaluate: found the track %q, expected soft or sharp", name)
		}
		t := []Track{Soft, Sharp}[i]
		if slices.Contains(all, t) {
			return nil, fmt.Errorf("evaluate: found the track %s twice, expected it once", name)
		}
		all = append(all, t)
	}
	return all, nil
}

// List finds the photographs of a folder and of all folders in it, sorted.
func List(folder string) (all []string, err error) {
	info, err := os.Stat(folder)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("evaluate: found the file %s, expected a folder of photographs", folder)
	}
	if all, err = file.List(folder); err != nil {
		return nil, err
	}
	if len(all) > MaxFiles {
		return nil, fmt.Errorf("evaluate: found %d photographs in %s, expected 1 to %d", len(all), folder, MaxFiles)
	}
	return all, nil
}

// Apart returns an error for a file that is in both lists, under any name.
func Apart(test, train []string) error {
	for _, a := range test {
		of, err := os.Stat(a)
		if err != nil {
			return err
		}
		for _, b := range train {
			info, err := os.Stat(b)
			if err != nil {
				return err
			}
			if os.SameFile(of, info) {
				return fmt.Errorf("evaluate: found the photograph %s among those to train on as %s, expected two folders that share none", a, b)
			}
		}
	}
	return nil
}

// open reads a photograph, in three channels.
func (r *Report) open(path string) (*raster.Image, error) {
	p, err := file.Open(path, file.Limits{})
	if err != nil {
		return nil, err
	}
	for _, n := range p.Notes {
		r.noteOf(filepath.Base(path), strings.TrimSuffix(n, "."))
	}
	m, err := p.Premultiplied()
	if err != nil {
		return nil, err
	}
	if p.Alpha != nil {
		r.noteOf(filepath.Base(path), "Transparent photographs are measured over black")
	}
	return m.Coloured(), nil
}

// least is the least side of an original: that of a tile, at a multiple of all factors.
const least = 64

// original is a photograph at the size of a track, in 8 bits. One of fewer pixels keeps its own size, but for what the factor multiple
// leaves at the edges.
func (t Track) original(m *raster.Image, multiple, threads int) (out *raster.Image, own bool, err error) {
	if m.Width >= t.Width && m.Height >= t.Height {
		out, err = fit(m, t.Width, t.Height, threads)
	} else {
		own = true
		w, h := m.Width/multiple*multiple, m.Height/multiple*multiple
		if w < least || h < least {
			return nil, own, fmt.Errorf("evaluate: found a photograph of %d×%d pixels, expected sides of at least %d", m.Width, m.Height, least)
		}
		out, err = m.Crop((m.Width-w)/2, (m.Height-h)/2, w, h)
	}
	if err != nil {
		return nil, own, err
	}
	out.Round(255)
	return out, own, nil
}

// fit cuts the middle of m to the aspect of a size, and resamples it with Lanczos.
func fit(m *raster.Image, width, height, threads int) (*raster.Image, error) {
	w, h := m.Width, m.Height
	if int64(w)*int64(height) > int64(h)*int64(width) {
		w = (h*width + height/2) / height
	} else {
		h = (w*height + width/2) / width
	}
	w, h = min(max(w, 1), m.Width), min(max(h, 1), m.Height)
	m, err := m.Crop((m.Width-w)/2, (m.Height-h)/2, w, h)
	if err != nil {
		return nil, err
	}
	return resample.Resize(m, width, height, resample.Lanczos3, threads)
}
