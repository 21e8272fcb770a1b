// Entry of the page of administrators, `/if/admin/`.
import '../styles/base.css';
import '../styles/page.css';
import { PageNav } from '../elements/page-nav.ts';
import { showPage } from '../elements/tabbed-page.ts';
import { FilePicker } from '../files/file-picker.ts';
import { FilesSection } from '../files/files-section.ts';
import { UploadList } from '../files/upload-list.ts';
import { NotificationBell } from '../notifications/bell.ts';
import { AdminPage } from './admin-page.ts';
import { AdminApplicationsSection } from './applications.ts';
import { EventsSection } from './events.ts';
import { FlowsSection } from './flows.ts';
import { NewApplicationFields } from './new-application.ts';
import { ObjectForm } from './objects/object-form.ts';
import { ObjectSection } from './objects/object-section.ts';
import { RowPicker } from './objects/row-picker.ts';
import { OutpostsSection } from './outposts.ts';
import { UsersSection } from './users.ts';

customElements.define('gh-page-nav', PageNav);
customElements.define('gh-notification-bell', NotificationBell);
customElements.define('gh-upload-list', UploadList);
customElements.define('gh-file-picker', FilePicker);
customElements.define('gh-new-application', NewApplicationFields);
customElements.define('gh-admin-files', FilesSection);
customElements.define('gh-admin-applications', AdminApplicationsSection);
customElements.define('gh-row-picker', RowPicker);
customElements.define('gh-object-form', ObjectForm);
customElements.define('gh-admin-objects', ObjectSection);
customElements.define('gh-admin-events', EventsSection);
customElements.define('gh-admin-flows', FlowsSection);
customElements.define('gh-admin-outposts', OutpostsSection);
customElements.define('gh-admin-users', UsersSection);
customElements.define('gh-admin-page', AdminPage);

showPage(new AdminPage());
