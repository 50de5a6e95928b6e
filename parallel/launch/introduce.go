package launch

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/parallel"
)

// largestHello bounds what a rank says of itself, in bytes.
const largestHello = 1 << 20

// introduce is what this rank says of itself.
func introduce(config []Setting) (Rank, error) {
	host, err := os.Hostname()
	if err != nil {
		return Rank{}, fmt.Errorf("launch: %w", err)
	}
	config = slices.Clone(config)
	slices.SortFunc(config, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	for i := 1; i < len(config); i++ {
		if config[i].Key == config[i-1].Key {
			return Rank{}, fmt.Errorf("launch: found setting %q twice, expected it once", config[i].Key)
		}
	}
	return Rank{
		Host: host, Program: program(), Level: kernel.Level().String(), Config: config,
		Threads: runtime.GOMAXPROCS(0), Fixed: os.Getenv("GOMAXPROCS") != "", Cores: runtime.NumCPU(), OfHost: hostCores(os.ReadFile),
	}, nil
}

// program identifies the executable: by the hash of its file, or by what the compiler has written into it where the file cannot be read.
func program() string {
	info, ok := debug.ReadBuildInfo()
	version := "no version"
	if ok {
		version = info.Main.Version
	}
	hash := sha256.New()
	if path, err := os.Executable(); err == nil {
		if f, err := os.Open(path); err == nil {
			defer f.Close()
			if _, err := io.Copy(hash, f); err == nil {
				return fmt.Sprintf("sha256 %.8x (%s)", hash.Sum(nil), version)
			}
		}
	}
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("build %.8x (%s)", sha256.Sum256([]byte(info.String())), version)
}

// greet exchanges what the ranks say of themselves: first the lengths, then the texts.
func greet(e parallel.Engine, self Rank) ([]Rank, error) {
	hello, err := json.Marshal(self)
	if err != nil {
		return nil, fmt.Errorf("launch: %w", err)
	}
	if len(hello) > largestHello {
		return nil, fmt.Errorf("launch: found settings of %d bytes, expected at most %d", len(hello), largestHello)
	}
	lengths, err := parallel.Gather(e, "the start of the run", uint32(len(hello)))
	if err != nil {
		return nil, err
	}
	texts := make([][]byte, e.Size())
	for r, n := range lengths {
		if n > largestHello {
			return nil, fmt.Errorf("launch: rank %d wants to send %d bytes, expected at most %d; start the same program on all hosts",
				r, n, largestHello)
		}
		texts[r] = make([]byte, n)
	}
	copy(texts[e.Rank()], hello)
	if err := parallel.AllGather(e, "the introduction of the ranks", texts); err != nil {
		return nil, err
	}
	ranks := make([]Rank, e.Size())
	for r, text := range texts {
		if err := json.Unmarshal(text, &ranks[r]); err != nil {
			return nil, fmt.Errorf("launch: rank %d introduces itself in another form: %w; start the same program on all hosts", r, err)
		}
	}
	return ranks, nil
}
