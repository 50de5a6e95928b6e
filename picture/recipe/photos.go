package recipe

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/patchflow"
)

// without is all that is no file of the other lists, under any name.
func without(all []string, others ...[]string) ([]string, error) {
	var left []os.FileInfo
	for _, path := range slices.Concat(others...) {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		left = append(left, info)
	}
	var kept []string
	for _, path := range all {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(left, func(other os.FileInfo) bool { return os.SameFile(info, other) }) {
			kept = append(kept, path)
		}
	}
	return kept, nil
}

// read reads photographs. Those too small for the crops are left out, with a note.
func read(ctx context.Context, paths []string, smallest, threads int, note func(string)) (*patchflow.Photos, error) {
	photos := &patchflow.Photos{}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := file.Open(path, file.Limits{})
		if err != nil {
			return nil, err
		}
		for _, text := range p.Notes {
			note(fmt.Sprintf("%s: %s", path, text))
		}
		if p.Alpha != nil {
			note(path + ": its transparency is not learned from; the colours of transparent pixels are")
		}
		m := p.Image
		if m.Width < smallest || m.Height < smallest {
			note(fmt.Sprintf("%s is left out: it has %d×%d pixels, and crops need %d×%d", path, m.Width, m.Height, smallest, smallest))
			continue
		}
		if err := photos.Add(m.Coloured(), threads); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if photos.Len() == 0 {
		return nil, fmt.Errorf("found no photographs of %d×%d pixels or more, expected some; smaller crops take smaller ones: "+
			"data.crops.draw.large=0, and lower data.crops.draw.side and data.crops.enlarge.side", smallest, smallest)
	}
	return photos, nil
}
