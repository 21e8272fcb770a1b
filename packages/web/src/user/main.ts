// Entry of the user's page, `/if/user/`.
import '../styles/base.css';
import '../styles/page.css';
import { PageNav } from '../elements/page-nav.ts';
import { showPage } from '../elements/tabbed-page.ts';
import { NotificationBell } from '../notifications/bell.ts';
import { NotificationsSection } from '../notifications/section.ts';
import { ApplicationsSection } from './applications.ts';
import { ConsentsSection } from './consents.ts';
import { DevicesSection } from './devices.ts';
import { SessionsSection } from './sessions.ts';
import { TokensSection } from './tokens.ts';
import { UserPage } from './user-page.ts';

customElements.define('gh-page-nav', PageNav);
customElements.define('gh-notification-bell', NotificationBell);
customElements.define('gh-notifications', NotificationsSection);
customElements.define('gh-applications', ApplicationsSection);
customElements.define('gh-consents', ConsentsSection);
customElements.define('gh-devices', DevicesSection);
customElements.define('gh-sessions', SessionsSection);
customElements.define('gh-tokens', TokensSection);
customElements.define('gh-user-page', UserPage);

showPage(new UserPage());
