"""What is said where no more can be written: the disk is full, a quota used up, or the file as long as it may be."""

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
