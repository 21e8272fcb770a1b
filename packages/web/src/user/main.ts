// Entry of the page `/if/user/`.
import '../styles/base.css';
