package file

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// endings are those of the files that the pictures of a folder are.
var endings = []string{".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}

// List finds the pictures of paths: files, and folders with all folders in them, whose pictures end in .jpg, .jpeg, .png, .webp, .tif or
// .tiff. They are sorted, and none is there twice. A folder without pictures is an error.
func List(paths ...string) ([]string, error) {
	var all []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			all = append(all, filepath.Clean(path))
			continue
		}
		found := len(all)
		// A link to a folder is followed where it is named, which the slash does.
		err = filepath.WalkDir(path+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if linked, err := os.Stat(path); err == nil && linked.IsDir() {
				return fmt.Errorf("%s is a link to a folder, which is not followed; name the folder too, or remove the link", path)
			}
			if slices.Contains(endings, strings.ToLower(filepath.Ext(path))) {
				all = append(all, filepath.Clean(path))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(all) == found {
			return nil, fmt.Errorf("%s has no pictures, expected files that end in %s", path, strings.Join(endings, ", "))
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
