// What an image starts: `entry.js <daemon>` runs it, `entry.js <daemon> healthcheck` asks the running one. Unlike the
// `gatehouse` command it needs the one daemon only, so that an image holds nothing of the others.
import { healthcheck, healthSocketPath } from '@gatehouse/daemon/health';

const [name = '', ...argv] = process.argv.slice(2);
const daemon = await import(`@gatehouse/${name}`);
const run = daemon[`run${name[0]?.toUpperCase()}${name.slice(1)}Daemon`];
const check =
  daemon[`${name}Healthcheck`] ?? (() => healthcheck(healthSocketPath(process.env.AUTHENTIK_INSTANCE_NAME)));

process.exitCode = argv[0] === 'healthcheck' ? await check([], process.env) : await run(argv, process.env);
