//go:build !race

// The race detector maps terabytes.

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A limit of the system on the memory is kept, whatever --max-memory is: the exit status is 3. Without the check the Go runtime would end
// the process where it allocates.
func TestALimitOnAddressesIsKept(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	recipe := filepath.Join(dir, "large.yaml")
	text := "model: {width: 512, layers: 12, heads: 8, attention: [\"window(64)\"]}\ndata:\n  genome: {tokens: 16384}\ntrain: {steps: 100}\n"
	if err := os.WriteFile(recipe, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// 3 GiB, in the shell's KiB: the Go runtime alone maps 1.6 GiB, and the step takes more than the rest.
	cmd := exec.Command("/bin/sh", "-c", `ulimit -v 3145728 && exec "$0" "$@"`,
		program, "train", recipe, "--max-memory", "64GiB", "--out", filepath.Join(dir, "run"))
	cmd.Env = append(os.Environ(), asTool+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != exitMemory {
		t.Errorf("%v; want exit status %d\n%s", err, exitMemory, &stderr)
	}
	if !strings.Contains(stderr.String(), "available under the limits of this process") {
		t.Errorf("the error is %q", &stderr)
	}
}
