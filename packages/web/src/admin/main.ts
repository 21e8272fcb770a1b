// Entry of the page of administrators, `/if/admin/`.
import '../styles/base.css';
import '../styles/page.css';
import { showPage } from '../elements/tabbed-page.ts';
import { FilePicker } from '../files/file-picker.ts';
import { FilesSection } from '../files/files-section.ts';
import { UploadList } from '../files/upload-list.ts';
import { NotificationBell } from '../notifications/bell.ts';
import { AdminPage } from './admin-page.ts';
import { AdminApplicationsSection } from './applications.ts';
import { BrandsSection } from './brands.ts';
import { EventsSection } from './events.ts';
import { FlowsSection } from './flows.ts';
import { NewApplicationFields } from './new-application.ts';
import { OutpostsSection } from './outposts.ts';
import { UsersSection } from './users.ts';

customElements.define('gh-notification-bell', NotificationBell);
customElements.define('gh-upload-list', UploadList);
customElements.define('gh-file-picker', FilePicker);
customElements.define('gh-new-application', NewApplicationFields);
customElements.define('gh-admin-files', FilesSection);
customElements.define('gh-admin-applications', AdminApplicationsSection);
customElements.define('gh-admin-brands', BrandsSection);
customElements.define('gh-admin-events', EventsSection);
customElements.define('gh-admin-flows', FlowsSection);
customElements.define('gh-admin-outposts', OutpostsSection);
customElements.define('gh-admin-users', UsersSection);
customElements.define('gh-admin-page', AdminPage);

showPage(new AdminPage());
