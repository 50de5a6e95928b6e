package hub

import (
	"errors"
	"fmt"
	"strings"
)

// DefaultRevision is the branch that is meant where none is given.
const DefaultRevision = "main"

// maxRepo is the largest number of characters of a repo's name on the hub.
const maxRepo = 96

// Ref names a repo of the hub and one of its revisions.
type Ref struct {
	Repo     string // org/name, or name for a few old models
	Revision string // a branch, a tag, a commit, or the beginning of a commit; never empty
}

// String is the form that [ParseRef] reads.
func (r Ref) String() string {
	if r.Revision == DefaultRevision {
		return r.Repo
	}
	return r.Repo + "@" + r.Revision
}

// ParseRef reads REPO[@REVISION], such as google/gemma-3-270m@main. Without a revision it is [DefaultRevision]. The rules for names are
// those of the hub: letters, digits, "-", "_" and ".", at most one "/", at most 96 characters, no "--" and no "..".
func ParseRef(text string) (Ref, error) {
	repo, revision, given := strings.Cut(text, "@")
	if !given {
		revision = DefaultRevision
	}
	if err := checkRepo(repo); err != nil {
		return Ref{}, err
	}
	if err := checkRevision(revision); err != nil {
		return Ref{}, fmt.Errorf("%s: %w", repo, err)
	}
	return Ref{Repo: repo, Revision: revision}, nil
}

func checkRepo(repo string) error {
	if problem := repoProblem(repo); problem != "" {
		return fmt.Errorf("found the repo %s, which %s; expected org/name as on the hub, such as google/gemma-3-270m", quoted(repo), problem)
	}
	return nil
}

// repoProblem says what is wrong with a repo's name, or "".
func repoProblem(repo string) string {
	switch {
	case repo == "":
		return "is empty"
	case len(repo) > maxRepo:
		return fmt.Sprintf("has %d characters, more than %d", len(repo), maxRepo)
	case strings.Contains(repo, "--"):
		return `has "--"`
	case strings.Contains(repo, ".."):
		return `has ".."`
	case strings.HasSuffix(repo, ".git"):
		return `ends in ".git"`
	}
	parts := strings.Split(repo, "/")
	if len(parts) > 2 {
		return `has more than one "/"`
	}
	for _, part := range parts {
		if part == "" {
			return `has nothing on one side of the "/"`
		}
		if i := strings.IndexFunc(part, notOfName); i >= 0 {
			return fmt.Sprintf("has the character %q", []rune(part[i:])[0])
		}
		if strings.Trim(part, "-.") != part {
			return `has a part that begins or ends with "-" or "."`
		}
	}
	return ""
}

func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

// checkRevision checks a revision. It is the name of a file below refs, so the rules for file names hold.
func checkRevision(revision string) error {
	if revision == "" {
		return errors.New("the revision after @ is empty; give a branch, a tag or a commit, or leave out the @")
	}
	if err := CheckName(revision); err != nil {
		return fmt.Errorf("found the revision %s: %w", quoted(revision), err)
	}
	return nil
}

// isCommit reports whether text is a full commit: 40 hexadecimal digits in lower case.
func isCommit(text string) bool { return len(text) == 40 && isHex(text) }

func isHex(text string) bool {
	return strings.Trim(text, "0123456789abcdef") == ""
}

// folderOf is the folder of a repo in the cache.
func folderOf(repo string) string { return "models--" + strings.ReplaceAll(repo, "/", "--") }

// repoOf is the repo of a folder in the cache, or "".
func repoOf(folder string) string {
	name, ok := strings.CutPrefix(folder, "models--")
	if !ok {
		return ""
	}
	repo := strings.Replace(name, "--", "/", 1)
	if checkRepo(repo) != nil {
		return ""
	}
	return repo
}
