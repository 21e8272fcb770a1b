// The brand of a host, as the OpenAPI document tells it.
import { z } from 'zod';
import { themedUrls } from '../models/shapes.ts';

const slug = z.string().optional();

/** Slugs of flows are there where a flow is set. */
export const currentBrandShape = z.object({
  matched_domain: z.string(),
  branding_title: z.string(),
  branding_logo: z.string(),
  branding_logo_themed_urls: themedUrls,
  branding_favicon: z.string(),
  branding_favicon_themed_urls: themedUrls,
  branding_custom_css: z.string(),
  ui_footer_links: z.array(z.object({ href: z.string().nullable(), name: z.string() })),
  ui_theme: z.string(),
  flow_authentication: slug,
  flow_invalidation: slug,
  flow_recovery: slug,
  flow_unenrollment: slug,
  flow_user_settings: slug,
  flow_device_code: slug,
  flow_lockdown: slug,
  default_locale: z.string(),
  flags: z.object({ flows_refresh_others: z.boolean(), flows_continuous_login: z.boolean() }),
});
