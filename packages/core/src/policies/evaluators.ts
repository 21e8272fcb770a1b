// The kinds of policies by the name of their model (core.md §6). A kind that is not here cannot be evaluated, which throws.
import type { Evaluate } from './kind.ts';
import { answerAsTold } from './kinds/dummy.ts';
import { matchEvent } from './kinds/event-matcher.ts';
import { checkExpiry } from './kinds/expiry.ts';
import { runExpressionPolicy } from './kinds/expression.ts';
import { checkGeoIp } from './kinds/geoip.ts';
import { checkPassword } from './kinds/password.ts';
import { checkReputation } from './kinds/reputation.ts';

export const evaluators: Readonly<Record<string, Evaluate>> = {
  'authentik_policies_dummy.dummypolicy': answerAsTold,
  'authentik_policies_event_matcher.eventmatcherpolicy': matchEvent,
  'authentik_policies_expiry.passwordexpirypolicy': checkExpiry,
  'authentik_policies_expression.expressionpolicy': runExpressionPolicy,
  'authentik_policies_geoip.geoippolicy': checkGeoIp,
  'authentik_policies_password.passwordpolicy': checkPassword,
  'authentik_policies_reputation.reputationpolicy': checkReputation,
};
