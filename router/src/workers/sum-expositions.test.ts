import { expect, test } from 'vitest';
import { sumExpositions } from './sum-expositions.ts';

const worker = (requests: number, started: number) => `# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{route="asset",status="2xx"} ${requests}
# HELP process_start_time_seconds Start.
# TYPE process_start_time_seconds gauge
process_start_time_seconds ${started}
`;

test('router §20.5: counts of workers are added, the start is the earliest, heads are said once', () => {
  expect(sumExpositions([worker(3, 200), worker(4, 100)])).toBe(worker(7, 100));
});

test('router §20.5: a series that only one worker has stays', () => {
  expect(sumExpositions([worker(3, 200), '# TYPE up gauge\nup 1\n'])).toBe(`${worker(3, 200)}# TYPE up gauge\nup 1\n`);
});
