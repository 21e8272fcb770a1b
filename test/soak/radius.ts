// An hour of mixed RADIUS load: memory stays flat, no verdict is lost.
// Run: npx tsc -b && npx tsx --conditions source test/soak/radius.ts [seconds]; prints one JSON document; exit code 1 when a
// verdict was wrong or missing. `outpost` says which of the missing ones it, or the kernel, has dropped and why.
import { startSite } from '../interop/radius/site.ts';
import { soak } from './radius/mixed-load.ts';

const seconds = Number(process.argv[2] ?? 3_600);
await using site = await startSite('clients: []', {
  AUTHENTIK_RADIUS__VERDICT_CACHE: '5s',
  AUTHENTIK_RADIUS__REQUESTS_PER_SOURCE: '10000', // one address stands for many devices here, and repeats nothing
});
const { residentMiB, ...result } = await soak(site, seconds);
const part = Math.max(1, Math.floor(residentMiB.length / 4));
const mean = (values: readonly number[]) =>
  Math.round(values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length));
const memory = {
  secondQuarterMiB: mean(residentMiB.slice(part, 2 * part)),
  lastQuarterMiB: mean(residentMiB.slice(-part)),
};
console.log(
  JSON.stringify(
    { date: new Date().toISOString().slice(0, 10), node: process.version, seconds, ...result, ...memory },
    null,
    2,
  ),
);
process.exitCode = result.wrongVerdicts + result.unanswered > 0 ? 1 : 0;
