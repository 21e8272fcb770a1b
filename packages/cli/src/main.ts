#!/usr/bin/env node
// The gatehouse command: hands over to the daemons. The one place of this package that touches the process.
import { runGatehouse } from './program.ts';

process.exitCode = await runGatehouse(process.argv.slice(2), {
  script: process.argv[1] ?? '',
  env: process.env,
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
  width: process.stdout.isTTY === true ? process.stdout.columns : undefined,
  colour: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
  stopped: () =>
    new Promise((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    }),
});
