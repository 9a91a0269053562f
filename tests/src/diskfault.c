/* Lets calls on chosen files fail as a broken disk does, for as long as a file says so: its one line is
 * "sync 5 NAME" or "write 122 NAME", with a number of errno(3) and a part of the path. A write that fails has
 * written half of its bytes before. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fault(int fd, const char *call) {
  const char *file = getenv("COUNTERSIGN_DISK_FAULT");
  char line[256] = "", what[16], name[200], link[64], path[4096] = "";
  int number = 0, saved = errno, rules;
  if (!file || (rules = syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC)) < 0) {
    errno = saved;
    return 0;
  }
  ssize_t length = syscall(SYS_read, rules, line, sizeof line - 1);
  syscall(SYS_close, rules);
  errno = saved;
  if (length <= 0 || sscanf(line, "%15s %d %199s", what, &number, name) != 3 || strcmp(what, call))
    return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int known = readlink(link, path, sizeof path - 1) > 0 && strstr(path, name);
  errno = saved;
  return known ? number : 0;
}

static int synced(int fd, long call) {
  int number = fault(fd, "sync");
  if (!number) return syscall(call, fd);
  errno = number;
  return -1;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

ssize_t write(int fd, const void *bytes, size_t count) {
  int number = fault(fd, "write");
  if (!number) return syscall(SYS_write, fd, bytes, count);
  if (count > 1) syscall(SYS_write, fd, bytes, count / 2);
  errno = number;
  return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  int number = fault(fd, "write");
  if (!number) return syscall(SYS_pwrite64, fd, bytes, count, at);
  if (count > 1) syscall(SYS_pwrite64, fd, bytes, count / 2, at);
  errno = number;
  return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }
