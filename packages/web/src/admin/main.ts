// Entry of the page `/if/admin/`.
import '../styles/base.css';
