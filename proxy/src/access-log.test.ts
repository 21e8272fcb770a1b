import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accessLine, shownHeaders } from './access-line.ts';
import { refuse } from './request/answer.ts';
import { incoming } from './testing/test-gateway.ts';

test('proxy 108: the line put together by hand is what JSON would say', () => {
  const latin1 = fc.string({ unit: 'binary' }).map((text) => Buffer.from(text, 'utf8').toString('latin1'));
  const shown = shownHeaders(['User-Agent']);
  fc.assert(
    fc.property(latin1, latin1, fc.double({ min: 0, max: 1e6, noNaN: true }), (path, agent, tookMs) => {
      const request = incoming(`/${path.replaceAll('?', '')}`, { host: agent, 'user-agent': agent });
      const finished = { request, answer: refuse(401, 'no'), application: undefined, status: 401, size: 2 };
      const line = accessLine({ ...finished, tookMs, upstreamMs: 1.5 }, 'app', { nowMs: 0, shown });
      expect(line.endsWith('}\n')).toBe(true);
      const { runtime, ...rest } = JSON.parse(line);
      expect(runtime).toMatch(/^\d+\.\d{3}$/);
      expect(Math.abs(Number(runtime) - tookMs)).toBeLessThanOrEqual(0.000_501);
      expect(rest).toEqual({
        level: 'info',
        timestamp: '1970-01-01T00:00:00.000Z',
        logger: 'authentik.outpost.proxyv2.application',
        event: request.rawTarget,
        remote: '127.0.0.1:1',
        host: agent.includes(',') ? agent.split(',')[0]?.trim() : agent,
        method: 'GET',
        scheme: 'https',
        status: 401,
        size: 2,
        user_agent: agent,
        request_id: request.requestId,
        auth: 'none',
        upstream_ms: 1.5,
      });
    }),
  );
});
