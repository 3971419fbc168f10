/** Put on each instance by its group, and taken off when it is detached. */
export const GROUP_TAG = "aws:autoscaling:groupName";
