// Command rollcall is the directory sync engine: identity providers push users and groups to it over SCIM, it keeps every
// change as an event, and tells the company's application by signed webhooks what was before and after.
//
// This package is the flags, the configuration and the wiring; it is the only one that sees all others.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	os.Exit(code)
}

// commands is the command table.
type commands struct {
	Config string `help:"A JSON file with flags by their names; a flag beats the environment, the environment beats the file." placeholder:"FILE" type:"path"`

	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Demo    demoCommand    `cmd:"" help:"Show the main job at work: a server, a webhook sink, and what Okta and Entra send, in one process."`
	Replay  replayCommand  `cmd:"" help:"Show the past: a subject as it was, or the changes of a range as JSON lines."`
	Load    loadCommand    `cmd:"" help:"Play identity providers against a running server, measure it and check what it did."`
	Export  exportCommand  `cmd:"" help:"Print all events as JSON lines."`
	Backup  backupCommand  `cmd:"" help:"Copy the data folder, while its server runs."`
	Restore restoreCommand `cmd:"" help:"Make a data folder of a backup."`
	Move    moveCommand    `cmd:"" help:"Move the log between a folder and EventStoreDB, with what is still to be delivered."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// console is where a command writes, and how it reads its environment.
type console struct {
	out, err io.Writer
	env      lookup
}

// lookup finds an environment variable.
type lookup func(name string) (string, bool)

// exit ends the parser early, after --help.
type exit int

// run is the program: everything it touches is handed in. It answers the exit status: 0, 1 for what went wrong, 2 for how
// it was called.
func run(ctx context.Context, args []string, env lookup, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exit:
			code = int(r)
		default:
			panic(r)
		}
	}()
	var c commands
	parser, err := kong.New(&c, kong.Name("rollcall"), kong.Description("Directory sync: SCIM in, events kept, before/after webhooks out."),
		kong.Writers(stdout, stderr), kong.Exit(func(status int) { panic(exit(status)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.ValueFormatter(describeFlag))
	if err != nil {
		fmt.Fprintln(stderr, "rollcall:", err)
		return 2
	}
	kong.Resolvers(&settings{env: env}).Apply(parser)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "rollcall:", err)
		fmt.Fprintln(stderr, "Run rollcall --help to see what it takes.")
		return 2
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(&console{stdout, stderr, env}); err != nil {
		fmt.Fprintln(stderr, "rollcall:", err)
		return 1
	}
	return 0
}
