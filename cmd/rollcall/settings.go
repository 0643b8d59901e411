package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// settings finds the value of a flag that the command line does not give: in the environment, as ROLLCALL_ and the flag's name, else in the file
// that --config names. It implements kong.Resolver; kong's own order would let a file beat the environment.
type settings struct {
	env  lookup
	file map[string]any
	err  error // of the file; told by Validate: kong lays what Resolve answers to the flag that it looks up
}

func variable(flag string) string {
	return "ROLLCALL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Validate implements kong.Resolver.
func (s *settings) Validate(*kong.Application) error { return s.err }

// Resolve implements kong.Resolver.
func (s *settings) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" {
		return nil, nil
	}
	if value, set := s.env(variable(flag.Name)); set {
		return value, nil
	}
	if flag.Name == "config" {
		return nil, nil
	}
	if s.file == nil { // the first flag is looked up
		s.file = map[string]any{}
		s.err = s.load(ctx)
	}
	return s.file[flag.Name], nil
}

// load reads the file and refuses names that no flag has.
func (s *settings) load(ctx *kong.Context) error {
	path := ""
	for _, flag := range ctx.Flags() {
		if flag.Name == "config" {
			path, _ = ctx.FlagValue(flag).(string)
			if value, set := s.env(variable("config")); set && path == "" {
				path = value
			}
		}
	}
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	if err := json.Unmarshal(text, &s.file); err != nil {
		return fmt.Errorf("read the configuration %s: %w", path, err)
	}
	known := map[string]bool{} // by any command: they may share one file
	for _, command := range ctx.Model.Leaves(false) {
		for _, flag := range command.Flags {
			known[flag.Name] = true
		}
	}
	var unknown []error
	for _, name := range slices.Sorted(maps.Keys(s.file)) {
		if !known[name] {
			unknown = append(unknown, fmt.Errorf("the configuration %s names %q, which is no flag of any command", path, name))
		}
	}
	return errors.Join(unknown...)
}

// describeFlag shows in --help which variable a flag has.
func describeFlag(value *kong.Value) string {
	if value.Flag == nil || value.Name == "help" {
		return value.Help
	}
	return value.Help + " ($" + variable(value.Name) + ")"
}
