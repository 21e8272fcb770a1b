import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Message } from './message.ts';

/** As node:http's parser fills a message. */
function headersOf(message: IncomingMessage, flat: string[]): IncomingMessage['headers'] {
  Reflect.apply(Reflect.get(message, '_addHeaderLines'), message, [flat, flat.length]);
  return message.headers;
}

test('fields are joined as node:http joins them, whatever their names and however often they come', () => {
  const usual =
    'Host host HOST Cookie cookie Set-Cookie User-Agent Authorization Content-Length Age X-Forwarded-For Accept Date';
  const odd = 'Expect x-authentik-username Sec-Fetch-Mode constructor __proto__ toString hasOwnProperty valueOf';
  const name = fc.oneof(
    fc.constantFrom(...`${usual} ${odd}`.split(' ')),
    fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}$/),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string())), (fields) => {
      const one = headersOf(new Message(new Socket()), fields.flat());
      expect(one).toEqual(headersOf(new IncomingMessage(new Socket()), fields.flat()));
    }),
  );
});

test('names beyond those that are remembered are joined all the same', () => {
  const flat = Array.from({ length: 2_500 }, (_, at) => [`X-Name-${at}`, String(at)]).flat();
  const one = headersOf(new Message(new Socket()), flat);
  expect(one).toEqual(headersOf(new IncomingMessage(new Socket()), flat));
});
