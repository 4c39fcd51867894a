/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note
 *
 * tcx as the kernel knows it, for building with older headers: values of
 * include/uapi/linux/bpf.h of Linux 6.6, where tcx appeared.
 */
#ifndef PORTSCRIBE_VMLINUX_TCX_H
#define PORTSCRIBE_VMLINUX_TCX_H

#define KERNEL_TCX_INGRESS 46	     /* enum bpf_attach_type: BPF_TCX_INGRESS */
#define KERNEL_TCX_EGRESS  47	     /* BPF_TCX_EGRESS */
#define KERNEL_F_BEFORE	   (1U << 3) /* BPF_F_BEFORE; without a relative: before all others */
#define KERNEL_LINK_TCX	   11	     /* enum bpf_link_type: BPF_LINK_TYPE_TCX */

/* struct bpf_link_info, the part after prog_id, for BPF_LINK_TYPE_TCX. */
struct kernel_link_info_tcx {
	unsigned int type;
	unsigned int id;
	unsigned int prog_id;
	unsigned int unused;
	unsigned int ifindex;
	unsigned int attach_type;
};

#endif
