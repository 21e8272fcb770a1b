// Requests as expressions see them (core.md §14.1, §16.1): of a policy, and of HTTP below it.
import { type BrandRecord, brandOfHost, brandValue } from '../../brands/current.ts';
import type { CoreDeps } from '../../deps.ts';
import type { FlowRequest } from '../../flows/request.ts';
import { Raised } from '../faults.ts';
import { Converter } from '../run/convert.ts';
import { textAt } from '../run/parameters.ts';
import { Dict, Native, type Value } from '../run/values.ts';
import { UserObject } from './identity.ts';
import { RecordObject } from './record.ts';
import { tenantSettings } from './tenant.ts';

export interface PolicyRequestOptions {
  readonly user: UserObject;
  readonly request: FlowRequest | undefined;
  readonly context: Value;
}

/** `request` of policies, mappings and prompts. */
export function policyRequestObject(deps: CoreDeps, { user, request, context }: PolicyRequestOptions): Value {
  return new RecordObject('PolicyRequest', {
    user,
    http_request: once(() => httpRequestObject(deps, request)),
    context,
    obj: null,
    debug: false,
  });
}

/** Made when first looked at, and the same one from then on: most expressions never look. */
function once(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** `None` where no request leads to the question. */
export function httpRequestObject(deps: CoreDeps, request: FlowRequest | undefined): Value {
  if (request === undefined) return null;
  const headers: readonly [string, Value][] = [
    ['REMOTE_ADDR', request.clientIp],
    ['HTTP_USER_AGENT', request.userAgent],
    ['HTTP_HOST', request.host],
  ];
  return new RecordObject('HttpRequest', {
    GET: Dict.of([...request.query].map(([name, value]) => [name, value])),
    META: Dict.of(headers),
    headers: Dict.of([
      ['User-Agent', request.userAgent],
      ['Host', request.host],
    ]),
    request_id: request.requestId,
    scheme: schemeOf(request),
    build_absolute_uri: new Native(
      'build_absolute_uri',
      (call) => absolute(request, textAt(call, 0, 'location', '')).href,
    ),
    user: new UserObject(deps, request.user, request.host),
    brand: async () => brandObject(await brandOfHost(deps, request.host)),
    tenant: () => tenantSettings(deps),
  });
}

const schemeOf = ({ secure }: FlowRequest) => (secure ? 'https' : 'http');

/** Against the host that the visitor came by; the page itself is not known here, so that none is its root. */
function absolute(request: FlowRequest, location: string): URL {
  const base = `${schemeOf(request)}://${request.host}/`;
  if (URL.canParse(location, base)) return new URL(location, base);
  throw new Raised('ValueError', `${location} is no address below ${base}`);
}

function brandObject(brand: BrandRecord | undefined): Value {
  const value = (name: Parameters<typeof brandValue>[1]) => new Converter().toValue(brandValue(brand, name));
  return new RecordObject(
    'Brand',
    {
      domain: value('domain'),
      branding_title: value('branding_title'),
      branding_logo: value('branding_logo'),
      branding_favicon: value('branding_favicon'),
      default: value('default'),
      attributes: value('attributes'),
    },
    { text: `Brand ${brand?.domain ?? 'fallback'}` },
  );
}
