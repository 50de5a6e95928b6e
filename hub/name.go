package hub

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName and maxPart are the largest numbers of bytes of a file's name in a repo and of one of its parts.
const (
	maxName = 1024
	maxPart = 255
)

// devices are names that Windows keeps for devices, in any folder and with any extension.
var devices = []string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}

// CheckName checks the name of a file in a repo, with "/" between its parts. The hub sends such names, and they become paths here. A name
// must stay below the folder that it is put in, and must mean the same file on every system. Refused are empty names and parts, "." and
// "..", absolute names, backslashes, colons (drives and streams of Windows), control characters, text that is not UTF-8, parts that end in
// "." or a blank, names of devices of Windows, and folders named .git.
func CheckName(name string) error {
	problem := nameProblem(name)
	if problem == "" && !filepath.IsLocal(filepath.FromSlash(name)) {
		problem = "leaves the folder"
	}
	if problem != "" {
		return fmt.Errorf("the name %s %s; expected the path of a file below the repo's folder", quoted(name), problem)
	}
	return nil
}

// nameProblem says what is wrong with a name, or "".
func nameProblem(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxName:
		return fmt.Sprintf("has %d bytes, more than %d", len(name), maxName)
	case !utf8.ValidString(name):
		return "is not UTF-8"
	case strings.HasPrefix(name, "/"):
		return "is absolute"
	case strings.ContainsAny(name, `\:`):
		return "has a backslash or a colon"
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "has a character that cannot be printed"
	}
	for part := range strings.SplitSeq(name, "/") {
		if problem := partProblem(part); problem != "" {
			return problem
		}
	}
	return ""
}

func partProblem(part string) string {
	stem, _, _ := strings.Cut(part, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch {
	case part == "":
		return `has an empty part or ends in "/"`
	case part == "." || part == "..":
		return fmt.Sprintf("has the part %q, which leaves the folder or means nothing", part)
	case len(part) > maxPart:
		return fmt.Sprintf("has a part of %d bytes, more than %d", len(part), maxPart)
	case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
		return `has a part that ends in "." or a blank`
	case slices.Contains(devices, stem) || isNumberedDevice(stem):
		return fmt.Sprintf("has the part %q, a device of Windows", part)
	case strings.EqualFold(part, ".git") || strings.EqualFold(part, "git~1"):
		return "is in a folder of Git, whose files Git obeys"
	}
	return ""
}

// isNumberedDevice reports whether a name is COM or LPT with one digit; Windows takes superscript digits too.
func isNumberedDevice(stem string) bool {
	digit, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		digit, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && utf8.RuneCountInString(digit) == 1 && strings.ContainsAny(digit, "0123456789¹²³")
}

// checkETag checks an ETag without its quotes: it becomes the name of a blob. The hub's are hashes in hexadecimal digits. Other servers
// may send other letters, "-" and "_".
func checkETag(etag string) error {
	const most = 128
	ok := etag != "" && len(etag) <= most && !strings.ContainsFunc(etag, func(r rune) bool { return notOfName(r) || r == '.' })
	if !ok || partProblem(etag) != "" {
		return fmt.Errorf("found the ETag %s, expected 1 to %d letters, digits, - and _; check that HF_ENDPOINT is a hub", quoted(etag), most)
	}
	return nil
}

// isOwnFolder reports whether a name is below the folder in which downloads keep their state in a folder of the user's.
func isOwnFolder(name string) bool {
	first, rest, _ := strings.Cut(name, "/")
	second, _, _ := strings.Cut(rest, "/")
	return strings.EqualFold(first, ".cache") && strings.EqualFold(second, "huggingface")
}

// quoted quotes foreign text for an error and cuts it after 100 characters.
func quoted(text string) string {
	const shown = 100
	if utf8.RuneCountInString(text) <= shown {
		return strconv.Quote(text)
	}
	return strconv.Quote(string([]rune(text)[:shown])) + "…"
}

// checkClashes refuses two names that are one file where letters have no case.
func checkClashes(names []string) error {
	seen := map[string]string{}
	var clashes []error
	for _, name := range names {
		folded := strings.ToLower(name)
		if other, ok := seen[folded]; ok {
			clashes = append(clashes, fmt.Errorf("the files %s and %s of the repo differ in case alone; leave one out with --exclude",
				quoted(other), quoted(name)))
		}
		seen[folded] = name
	}
	return errors.Join(clashes...)
}
